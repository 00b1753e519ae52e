/** Messages that the user must see. They stay until dismissed or until the next run starts. */
import { create, part } from './page';
import type { Notice, ViewState } from './state';

export interface NoticeActions {
  dismiss(key: string): void;
  restartHost(): void;
}

export class NoticesView {
  private readonly container = part('notices', HTMLDivElement);
  private shown: readonly Notice[] = [];
  private shownPhase: string | null = null;

  constructor(private readonly actions: NoticeActions) {}

  draw({ notices, host }: ViewState): void {
    // Rebuilt only on change: focus on a button and what a screen reader has said stay as they are.
    if (notices === this.shown && host.phase === this.shownPhase) return;
    this.shown = notices;
    this.shownPhase = host.phase;
    this.container.replaceChildren(...notices.map((notice) => this.build(notice, host.phase === 'failed')));
  }

  private build(notice: Notice, hostIsOff: boolean): HTMLElement {
    const element = create('div', `notice ${notice.severity}`);
    element.dataset['key'] = notice.key;
    element.append(create('strong', '', notice.severity === 'error' ? 'Error' : 'Warning'));
    const times = notice.count > 1 ? ` (${notice.count} times)` : '';
    element.append(create('p', '', notice.text + times));
    if (notice.offerRestart && hostIsOff) {
      const restart = create('button', '', 'Restart host');
      restart.type = 'button';
      restart.addEventListener('click', () => {
        this.actions.restartHost();
      });
      element.append(restart);
    }
    const dismiss = create('button', 'quiet', 'Dismiss');
    dismiss.type = 'button';
    dismiss.setAttribute('aria-label', `Dismiss: ${notice.text}`);
    dismiss.addEventListener('click', () => {
      this.actions.dismiss(notice.key);
    });
    element.append(dismiss);
    return element;
  }
}
