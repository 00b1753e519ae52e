/** The simulated air that twins share (docs/medium.md). Plain data: it crosses process borders and enters the addon. */

/** What a twin does that an ideal radio does not (docs/medium.md). Absent: nothing of it. */
export interface TwinImpairments {
  /** Width of the oscillator's line, Hz. */
  readonly phaseNoiseLinewidthHz: number;
  readonly txIqGainDb: number;
  readonly txIqPhaseDeg: number;
  readonly rxIqGainDb: number;
  readonly rxIqPhaseDeg: number;
  /** Transmitter's carrier within bursts; null: none. */
  readonly loLeakageDbfs: number | null;
  readonly dcOffsetDbfs: number | null;
  /** Rapp's amplifier: saturated amplitude over full scale, dB; null: a linear one. */
  readonly amplifierSaturationDb: number | null;
  readonly amplifierSmoothness: number;
  /** 0: ideal. */
  readonly dacBits: number;
  readonly adcBits: number;
  readonly activateSettleS: number;
  readonly retuneSettleS: number;
  readonly invalidRxSamples: number;
}

export interface TwinFading {
  readonly kind: 'none' | 'block' | 'continuous';
  /** The path's own taps, or a tapped delay line of 3GPP TR 38.901. */
  readonly profile: 'taps' | 'tdl-a' | 'tdl-b' | 'tdl-c' | 'tdl-d' | 'tdl-e';
  /** rms delay spread of the tapped delay line. */
  readonly delaySpreadS: number;
  readonly dopplerHz: number;
  readonly ricianKDb: number | null;
}

/** A signal from outside the bench. */
export interface TwinInterferer {
  readonly frequencyHz: number;
  readonly powerDbm: number;
  /** 0: a tone. */
  readonly bandwidthHz: number;
  readonly startS: number;
  /** 0: for ever. */
  readonly onS: number;
  /** 0: once. */
  readonly periodS: number;
  /** Receivers that hear it; none: all. */
  readonly serials: readonly string[];
}

/** One simulated radio. Gains are overall, in dB; a twin's transmit gain spans 0 to 89.75 dB in steps of 0.25. */
export interface TwinRadio extends Partial<TwinImpairments> {
  readonly serial: string;
  /** Ties carrier and sample clock, ppm. */
  readonly clockErrorPpm: number;
  readonly noiseFigureDb: number;
  /** Output of a full-scale tone at the highest transmit gain, dBm. */
  readonly maxOutputPowerDbm: number;
}

export interface TwinPath {
  readonly from: string;
  readonly to: string;
  /** Path loss with all fixed attenuators, dB. */
  readonly pathLossDb: number;
  readonly taps: readonly { readonly delayS: number; readonly powerDb: number; readonly phaseRad: number }[];
  readonly fading?: TwinFading;
}

export interface TwinAir {
  readonly pace: 'free' | 'realtime';
  readonly radios: readonly TwinRadio[];
  readonly paths: readonly TwinPath[];
  readonly interferers?: readonly TwinInterferer[];
}
