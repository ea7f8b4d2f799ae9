/* One or two images under one window, zoom, place and slice. */
"use strict";

const FIRST = { centre: 0.5, width: 1, zoom: 1, x: 0, y: 0 };
const NARROWEST = 0.02;
const ZOOMS = [0.5, 32];

const within = (value, low, high) => Math.min(high, Math.max(low, value));

export class Viewer {
  /* stage: the element that holds panes, each with a canvas; label: where the slice is told. */
  constructor(stage, label) {
    this.label = label;
    this.canvases = [...stage.querySelectorAll("canvas")];
    this.pictures = this.canvases.map(() => document.createElement("canvas"));
    this.view = { ...FIRST };
    this.images = [];
    this.frame = 0;
    for (const canvas of this.canvases) this.listen(canvas);
    new ResizeObserver(() => this.draw()).observe(stage);
  }

  /* images: a Uint16Array a canvas; form: its shape and the size of its pixels. */
  show(images, form, white) {
    const isOther = !this.form || form.n_frames !== this.form.n_frames;
    [this.images, this.form, this.white] = [images, form, white];
    this.view = { ...FIRST };
    if (isOther || form.n_frames > 1) this.frame = Math.floor(form.n_frames / 2);
    this.paint();
  }

  reset() {
    this.view = { ...FIRST };
    this.paint();
  }

  /* Brighter and more contrast are positive; steps are shares of the range from black to white. */
  changeWindow(brighter, contrast) {
    this.view.centre = within(this.view.centre - brighter * this.view.width, -0.5, 2);
    this.view.width = within(this.view.width * Math.exp(-contrast), NARROWEST, 4);
    this.paint();
  }

  zoomBy(factor) {
    this.view.zoom = within(this.view.zoom * factor, ...ZOOMS);
    this.draw();
  }

  /* Shares of the pane's width and height. */
  moveBy(x, y) {
    this.view.x = within(this.view.x + x, -2, 2);
    this.view.y = within(this.view.y + y, -2, 2);
    this.draw();
  }

  scroll(steps) {
    if (!this.form) return;
    this.frame = within(this.frame + steps, 0, this.form.n_frames - 1);
    this.paint();
  }

  /* Greys of the slice under the window. */
  paint() {
    if (!this.form) return;
    const { rows, columns, n_frames } = this.form;
    const low = (this.view.centre - this.view.width / 2) * this.white;
    const scale = 255 / (this.view.width * this.white);
    this.images.forEach((samples, side) => {
      const picture = this.pictures[side];
      [picture.width, picture.height] = [columns, rows];
      const context = picture.getContext("2d");
      const greys = context.createImageData(columns, rows);
      const words = new Uint32Array(greys.data.buffer);
      const start = this.frame * rows * columns;
      for (let k = 0; k < words.length; k++) {
        const grey = within(Math.round((samples[start + k] - low) * scale), 0, 255);
        words[k] = 0xff000000 | (grey << 16) | (grey << 8) | grey;
      }
      context.putImageData(greys, 0, 0);
    });
    this.label.textContent = n_frames > 1 ? `slice ${this.frame + 1} of ${n_frames}` : "";
    this.draw();
  }

  /* The picture in its pane, in true proportions. */
  draw() {
    if (!this.form) return;
    const { rows, columns, row_mm, column_mm } = this.form;
    this.canvases.forEach((canvas, side) => {
      const ratio = window.devicePixelRatio || 1;
      const [width, height] = [canvas.clientWidth * ratio, canvas.clientHeight * ratio];
      [canvas.width, canvas.height] = [width, height];
      const fit = Math.min(width / (columns * column_mm), height / (rows * row_mm));
      const [w, h] = [columns * column_mm, rows * row_mm].map((mm) => mm * fit * this.view.zoom);
      const [x, y] = [width * (0.5 + this.view.x), height * (0.5 + this.view.y)];
      const context = canvas.getContext("2d");
      context.imageSmoothingQuality = "high";
      context.drawImage(this.pictures[side], x - w / 2, y - h / 2, w, h);
    });
  }

  listen(canvas) {
    canvas.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!canvas.hasPointerCapture(event.pointerId)) return;
      const x = event.movementX / canvas.clientWidth;
      const y = event.movementY / canvas.clientHeight;
      if (event.shiftKey || event.buttons & 6) this.moveBy(x, y);
      else this.changeWindow(-y, x * 2);
    });
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      if (this.form?.n_frames > 1 && !event.ctrlKey) this.scroll(Math.sign(event.deltaY));
      else this.zoomBy(Math.exp(-event.deltaY / 400));
    }, { passive: false });
    canvas.addEventListener("dblclick", () => this.reset());
    canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  }
}
