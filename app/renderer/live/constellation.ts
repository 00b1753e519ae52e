/** Payload symbols in the complex plane, at unit mean power. */
import { canvasTheme, type CanvasTheme } from './theme';

/** Of either axis; a Gaussian payload leaves it once in 4,000 symbols. */
const REACH = 2.9;
const TICKS = [-2, -1, 0, 1, 2];
const MARGIN_PX = 16;
const DOT_PX = 2;

export class ConstellationPlot {
  private theme: CanvasTheme = canvasTheme();
  private symbols: Float32Array = new Float32Array();

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly color: string,
  ) {}

  paintTheme(): void {
    this.theme = canvasTheme();
    this.draw(this.symbols);
  }

  /** @param symbols interleaved re, im */
  draw(symbols: Float32Array): void {
    this.symbols = symbols;
    const { canvas, theme } = this;
    const { clientWidth, clientHeight } = canvas;
    if (canvas.width !== clientWidth || canvas.height !== clientHeight) {
      canvas.width = clientWidth;
      canvas.height = clientHeight;
    }
    const context = canvas.getContext('2d');
    if (context === null || clientWidth === 0) return;
    context.clearRect(0, 0, clientWidth, clientHeight);
    const size = Math.min(clientWidth, clientHeight) - 2 * MARGIN_PX;
    const middleX = clientWidth / 2;
    const middleY = clientHeight / 2;
    const scale = size / 2 / REACH;
    this.axes(context, middleX, middleY, scale);
    context.fillStyle = theme.color(this.color);
    for (let i = 0; i + 1 < symbols.length; i += 2) {
      const x = symbols[i] ?? 0;
      const y = symbols[i + 1] ?? 0;
      if (Math.abs(x) > REACH || Math.abs(y) > REACH) continue;
      context.fillRect(middleX + scale * x - DOT_PX / 2, middleY - scale * y - DOT_PX / 2, DOT_PX, DOT_PX);
    }
  }

  private axes(context: CanvasRenderingContext2D, middleX: number, middleY: number, scale: number): void {
    const { theme } = this;
    const half = REACH * scale;
    context.lineWidth = 1;
    context.font = '10px system-ui, sans-serif';
    context.fillStyle = theme.muted;
    for (const tick of TICKS) {
      const [x, y] = [Math.round(middleX + tick * scale) + 0.5, Math.round(middleY - tick * scale) + 0.5];
      context.strokeStyle = tick === 0 ? theme.muted : theme.grid;
      context.beginPath();
      context.moveTo(x, middleY - half);
      context.lineTo(x, middleY + half);
      context.moveTo(middleX - half, y);
      context.lineTo(middleX + half, y);
      context.stroke();
      const text = String(tick).replace('-', '−');
      context.textAlign = 'center';
      context.textBaseline = 'top';
      context.fillText(text, x, middleY + half + 3);
      context.textAlign = 'right';
      context.textBaseline = 'middle';
      context.fillText(text, middleX - half - 4, y);
    }
    context.fillStyle = theme.text;
    context.textAlign = 'left';
    context.textBaseline = 'bottom';
    context.fillText('I', middleX + half + 3, middleY + 5);
    context.textAlign = 'center';
    context.fillText('Q', middleX, middleY - half - 2);
  }
}
