"""A map of images in the plane: a digit at each place, and the image under the pointer."""

import base64
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st
from PIL import Image

from mnist_app.figures.colors import DIGIT_COLORS
from mnist_app.figures.tiles import sheet

_GREYS = 16  # of the images on the map: a quarter of the bytes of 256
_GRAIN = 4095  # steps of a coordinate, finer than any screen

_STYLE = """
.map { position: relative; color: var(--st-text-color); font-family: var(--st-font); }
.map canvas { display: block; width: 100%; touch-action: pan-y; border-radius: .5rem;
  border: 1px solid rgba(128,128,128,.35); }
.axis { font-size: .85rem; opacity: .8; text-align: center; padding-top: .3rem; }
.axis.y { text-align: left; padding: 0 0 .3rem; }
.legend { display: flex; flex-wrap: wrap; gap: .3rem; padding-top: .5rem; }
.legend button { font: inherit; font-size: .85rem; color: inherit; background: none;
  cursor: pointer; border: 1px solid rgba(128,128,128,.35); border-radius: .4rem;
  padding: .1rem .5rem; }
.legend button[aria-pressed="true"] { border-color: currentColor; font-weight: 700; }
.legend b { display: inline-block; width: .7rem; height: .7rem; border-radius: 50%;
  margin-right: .35rem; }
.legend small { opacity: .8; }
.card { position: absolute; pointer-events: none; padding: .3rem; border-radius: .5rem;
  background: var(--st-secondary-background-color); border: 1px solid rgba(128,128,128,.6);
  text-align: center; font-size: .85rem; }
.card div { width: 84px; height: 84px; border-radius: .3rem; background-color: #000;
  image-rendering: pixelated; }
"""

_SCRIPT = """
const SIDE = 84, NEAR = 14, NEAR_FINGER = 26, MARGIN = 12;

export default function ({ data, parentElement }) {
  let root = parentElement.querySelector(".map");
  if (!root) {
    root = document.createElement("div");
    root.className = "map";
    root.innerHTML = `<div class="axis y"></div><canvas role="img"></canvas>
      <div class="axis x"></div><div class="legend"></div><div class="card" hidden></div>`;
    parentElement.appendChild(root);
    root.only = null;
  }
  const part = (name) => root.querySelector(name);
  const canvas = part("canvas"), card = part(".card");
  part(".axis.x").textContent = data.x;
  part(".axis.y").textContent = data.y;
  canvas.setAttribute("aria-label", data.alt);
  const labels = [...data.labels].map(Number);

  const places = () => {
    const [w, h] = [canvas.clientWidth, canvas.clientHeight];
    const scale = Math.min((w - 2 * MARGIN) / data.width, (h - 2 * MARGIN) / data.height);
    const [left, top] = [(w - scale * data.width) / 2, (h - scale * data.height) / 2];
    return labels.map((_, i) => [
      left + scale * data.points[2 * i], h - top - scale * data.points[2 * i + 1]]);
  };
  const draw = (chosen = -1) => {
    const dense = devicePixelRatio || 1, ink = canvas.getContext("2d");
    canvas.style.height = `${Math.min(Math.max(canvas.clientWidth * 0.75, 300), 560)}px`;
    canvas.width = canvas.clientWidth * dense;
    canvas.height = canvas.clientHeight * dense;
    ink.scale(dense, dense);
    ink.textAlign = "center";
    ink.textBaseline = "middle";
    ink.font = `700 ${canvas.clientWidth < 500 ? 10 : 12}px sans-serif`;
    root.places = places();
    root.places.forEach(([x, y], i) => {
      ink.globalAlpha = root.only === null || root.only === labels[i] ? 0.9 : 0.1;
      ink.fillStyle = data.colors[labels[i]];
      ink.fillText(labels[i], x, y);
    });
    if (chosen >= 0) {
      const [x, y] = root.places[chosen];
      ink.globalAlpha = 1;
      ink.lineWidth = 2;
      ink.strokeStyle = getComputedStyle(root).color;
      ink.beginPath();
      ink.arc(x, y, 9, 0, 7);
      ink.stroke();
    }
  };
  const nearest = (event) => {
    let [best, least] = [-1, event.pointerType === "touch" ? NEAR_FINGER : NEAR];
    root.places.forEach(([x, y], i) => {
      const far = Math.hypot(x - event.offsetX, y - event.offsetY);
      if (far < least && (root.only === null || root.only === labels[i])) [best, least] = [i, far];
    });
    return best;
  };
  const show = (i) => {
    if (i === root.shown) return;
    root.shown = i;
    draw(i);
    card.hidden = i < 0;
    if (i < 0) return;
    const [x, y] = root.places[i], [columns, rows] = [data.columns, data.rows];
    const [column, row] = [i % columns, Math.floor(i / columns)];
    card.innerHTML = `<div></div><span></span>`;
    Object.assign(card.firstChild.style, {
      backgroundImage: `url(${data.sheet})`,
      backgroundSize: `${columns * SIDE}px ${rows * SIDE}px`,
      backgroundPosition: `-${column * SIDE}px -${row * SIDE}px`,
    });
    card.lastChild.textContent = `labelled ${labels[i]}`;
    const width = SIDE + 14, below = y < 130;
    card.style.left = `${Math.min(Math.max(x - width / 2, 0), canvas.clientWidth - width)}px`;
    card.style.top = `${canvas.offsetTop + (below ? y + 16 : y - 130)}px`;
  };
  canvas.onpointermove = (event) => show(nearest(event));
  canvas.onpointerdown = (event) => show(nearest(event));
  canvas.onpointerleave = (event) => { if (event.pointerType === "mouse") show(-1); };

  const legend = part(".legend");
  legend.replaceChildren(...data.colors.map((color, digit) => {
    const button = document.createElement("button"), n = labels.filter((l) => l === digit).length;
    button.type = "button";
    button.innerHTML = `<b style="background:${color}"></b>${digit} <small>${n}</small>`;
    button.setAttribute("aria-pressed", root.only === digit);
    button.setAttribute("aria-label", `only ${digit}, ${n} images`);
    button.onclick = () => {
      root.only = root.only === digit ? null : digit;
      [...legend.children].forEach((b, i) => b.setAttribute("aria-pressed", root.only === i));
      show(-1);
      draw();
    };
    return button;
  }));
  show(-1);
  draw();
  const watcher = new ResizeObserver(() => {
    if (canvas.clientWidth * (devicePixelRatio || 1) !== canvas.width) { show(-1); draw(); }
  });
  watcher.observe(root);
  return () => watcher.disconnect();
}
"""
_component = st.components.v2.component("digits_map", css=_STYLE, js=_SCRIPT)


def digit_map(
    points: np.ndarray,
    labels: np.ndarray,
    sheet_url: str,
    titles: Sequence[str],
    key: str,
) -> None:
    """Show labelled images at their points, each as its digit in the digit's colour.

    Hovering or tapping shows the image; a click on the legend leaves one digit alone.

    Args:
        points: (N, 2), of one unit: the map has the same scale both ways.
        labels: (N,), 0..9.
        sheet_url: the N images, as `small_sheet` makes it.
        titles: of the x axis and the y axis.
        key: of the component.
    """
    columns = min(20, len(points))
    data = {
        "labels": "".join(map(str, labels.tolist())),
        "sheet": sheet_url,
        "columns": columns,
        "rows": -(-len(points) // columns),
        "colors": list(DIGIT_COLORS),
        "x": titles[0],
        "y": titles[1],
        "alt": f"Map of {len(points):,} images: {titles[0]}, {titles[1]}",
    }
    _component(data=_places(points) | data, key=key)


def _places(points: np.ndarray) -> dict[str, Any]:
    """The points in steps of the grain from the lower left corner, and the size of the whole."""
    low, extent = points.min(axis=0), np.ptp(points, axis=0)
    grain = _GRAIN / max(float(extent.max()), 1e-9)
    return {
        "points": ((points - low) * grain).round().astype(int).flatten().tolist(),
        "width": max(float(extent[0] * grain), 1.0),
        "height": max(float(extent[1] * grain), 1.0),
    }


def small_sheet(images: np.ndarray) -> str:
    """Images, uint8 (N, 28, 28), as one PNG of 16 greys, a data: URL."""
    levels = (sheet(images).astype(np.uint16) * (_GREYS - 1) + 127) // 255
    picture = Image.fromarray(levels.astype(np.uint8), "P")
    picture.putpalette([level * 17 for level in range(_GREYS) for _ in range(3)])
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", bits=4, optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
