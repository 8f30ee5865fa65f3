/** Zooms and pans an SVG by its view box: buttons, Ctrl or Cmd with the wheel, and dragging the ground. */
export class Zoom {
  private scale = 1;
  private left = 0;
  private top = 0;
  private width = 1;
  private height = 1;
  private from: { x: number; y: number; left: number; top: number } | null = null;

  constructor(private readonly svg: SVGSVGElement) {
    svg.addEventListener('wheel', this.wheel, { passive: false });
    svg.addEventListener('pointerdown', this.down);
    svg.addEventListener('pointermove', this.move);
    svg.addEventListener('pointerup', this.up);
    svg.addEventListener('pointercancel', this.up);
  }

  /** The picture has this size now; where a person looks stays. */
  resize(width: number, height: number): void {
    this.width = width;
    this.height = height;
    this.apply();
  }

  by(
    factor: number,
    x = this.left + this.width / this.scale / 2,
    y = this.top + this.height / this.scale / 2
  ): void {
    const scale = Math.min(8, Math.max(0.25, this.scale * factor));
    this.left = x - (x - this.left) * (this.scale / scale);
    this.top = y - (y - this.top) * (this.scale / scale);
    this.scale = scale;
    this.apply();
  }

  fit(): void {
    this.scale = 1;
    this.left = this.top = 0;
    this.apply();
  }

  private apply(): void {
    this.svg.setAttribute(
      'viewBox',
      `${this.left} ${this.top} ${this.width / this.scale} ${this.height / this.scale}`
    );
    this.svg.setAttribute('width', String(this.width));
    this.svg.setAttribute('height', String(this.height));
  }

  private point(event: MouseEvent): { x: number; y: number } {
    const box = this.svg.getBoundingClientRect();
    const unit = this.width / this.scale / (box.width || 1);
    return {
      x: this.left + (event.clientX - box.left) * unit,
      y: this.top + (event.clientY - box.top) * unit
    };
  }

  private wheel = (event: WheelEvent): void => {
    if (!event.ctrlKey && !event.metaKey) {
      return;
    }
    event.preventDefault();
    const { x, y } = this.point(event);
    this.by(Math.exp(-event.deltaY / 300), x, y);
  };

  private down = (event: PointerEvent): void => {
    if (event.button === 0 && !(event.target as Element).closest('[data-id]')) {
      this.from = { x: event.clientX, y: event.clientY, left: this.left, top: this.top };
      this.svg.setPointerCapture(event.pointerId);
    }
  };

  private move = (event: PointerEvent): void => {
    if (this.from) {
      const unit = this.width / this.scale / (this.svg.getBoundingClientRect().width || 1);
      this.left = this.from.left - (event.clientX - this.from.x) * unit;
      this.top = this.from.top - (event.clientY - this.from.y) * unit;
      this.apply();
    }
  };

  private up = (): void => {
    this.from = null;
  };
}
