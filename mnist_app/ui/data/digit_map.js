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
    card.lastChild.textContent = data.captions[labels[i]];
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
    button.setAttribute("aria-label", data.only[digit]);
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
