/** The radios of this machine, for the command line. Found in a radio process: a vendor's crash stays there. */
export { twinEnvironment } from '../../drivers/radio';
export { listRadios, type ListedRadio } from '../link';
