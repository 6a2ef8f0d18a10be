// What the canvas component lacks: a stroke is sent when the pen is lifted, none is wiped by a
// canvas that is redrawn, and no unseen button lies over it.

const BUTTONS = ".st-key-undo button, .st-key-redo button, .st-key-clear button";
const SEND = "button[title^='Update the app']";
const DOWN = ["pointerdown", "mousedown", "touchstart"];
const MOVE = ["pointermove", "mousemove", "touchmove", "pointerup"];
const UP = ["mouseup", "touchend", "touchcancel", "pointercancel"];
const LOADED = 50; // ms after which the canvas shows what it was told to
const AGAIN = 1000; // ms to wait for another redraw, if more buttons were pressed than that
const LONGEST = 5000; // ms; a canvas that is not redrawn by then will not be

const pen = (window.digitsPen ??= { held: null, pressed: 0, redraws: null });

function root() {
  return document.querySelector(".st-key-canvas [data-testid='stBidiComponentIsolated']")?.shadowRoot;
}

// The component's toolbar. Unseen until the mouse rests on the canvas, it lies over the upper right
// of it: strokes that begin there, as those of many an 8 and 9 do, would press its buttons.

function hideToolbar() {
  const shadow = root();
  if (!shadow || shadow.querySelector("style[data-plain]")) return;
  const style = document.createElement("style");
  style.dataset.plain = "";
  style.textContent = ".dc-toolbar { display: none !important; }";
  shadow.append(style);
}

// Its button that sends the drawing: by itself the component waits 200 ms for another stroke.

function send() {
  root()?.querySelector(SEND)?.click();
}

// Undo, redo and clear reach the canvas by way of the server. What is drawn on it until they do
// would be wiped with the rest: it is held back, and drawn when the canvas was redrawn.

function onClick(event) {
  if (!event.target.closest?.(BUTTONS)) return;
  pen.held ??= [];
  pen.pressed += 1;
  releaseIn(LONGEST);
}

function releaseIn(delay) {
  clearTimeout(pen.timer);
  pen.timer = setTimeout(() => {
    const held = pen.held;
    Object.assign(pen, { held: null, pressed: 0, isDown: false });
    for (const [target, event] of held) target.dispatchEvent(event);
  }, delay);
}

function onPen(event) {
  const path = event.composedPath();
  if (DOWN.includes(event.type))
    pen.isDown = path.some((part) => part.classList?.contains("st-key-canvas"));
  if (!pen.isDown) return;
  const isUp = UP.includes(event.type);
  if (isUp) pen.isDown = false;
  if (pen.held) hold(event, path[0]);
  else if (isUp) setTimeout(send); // when the component has the stroke
}

function hold(event, target) {
  pen.held.push([target, copied(event)]);
  event.stopImmediatePropagation();
  if (event.type.startsWith("touch")) event.preventDefault(); // no mouse events after it
}

function copied(event) {
  const facts = { bubbles: true, cancelable: true, composed: true, view: window };
  for (const name of ["clientX", "clientY", "button", "buttons", "pointerId", "isPrimary"])
    if (name in event) facts[name] = event[name];
  for (const name of ["touches", "targetTouches", "changedTouches"])
    if (name in event) facts[name] = [...event[name]];
  return new event.constructor(event.type, facts);
}

if (!pen.isListening) {
  pen.isListening = true;
  window.addEventListener("click", onClick, { capture: true });
  for (const name of [...DOWN, ...MOVE, ...UP])
    window.addEventListener(name, onPen, { capture: true, passive: false });
  setInterval(hideToolbar, 100); // the canvas may be mounted anew at any time
}

export default function ({ data }) {
  if (pen.held && pen.redraws !== data.redraws) {
    pen.pressed -= 1;
    releaseIn(pen.pressed > 0 ? AGAIN : LOADED);
  }
  pen.redraws = data.redraws;
}
