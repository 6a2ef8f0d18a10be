// What the canvas component lacks: a stroke is sent when the pen is lifted, none is wiped by a
// canvas that is redrawn, and no unseen button lies over it.

const BUTTONS = ".st-key-undo button, .st-key-redo button, .st-key-clear button";
const SEND = "button[title^='Update the app']";
const DOWN = ["pointerdown", "mousedown", "touchstart"];
const MOVE = ["pointermove", "mousemove", "touchmove", "pointerup"];
const UP = ["mouseup", "touchend", "touchcancel", "pointercancel"];
const LOOK = 30; // ms from one look at the canvas to the next
const LOADED = 1500; // ms after which a canvas that was told to redraw has, though it looks the same
const LONGEST = 5000; // ms; a canvas that is not told by then will not be

// held: events, while a canvas is awaited; wanted: the number of redraws that it awaits.
const pen = (window.digitsPen ??= { held: null, redraws: 0, wanted: 0 });

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
  pen.wanted = Math.max(pen.wanted, pen.redraws) + 1;
  pen.before = picture();
  pen.until = performance.now() + LONGEST;
  if (pen.held) return;
  pen.held = [];
  pen.timer = setInterval(look, LOOK);
}

function picture() {
  return root()?.querySelector("canvas.dc-canvas")?.toDataURL();
}

// What was told to the canvas and to this script comes in any order, and the canvas takes a while.
function look() {
  const isRedrawn = pen.redraws >= pen.wanted && picture() !== pen.before;
  if (isRedrawn || performance.now() > pen.until) release();
}

function release() {
  clearInterval(pen.timer);
  const held = pen.held;
  Object.assign(pen, { held: null, wanted: 0, isDown: false });
  for (const [target, event] of held) target.dispatchEvent(event);
}

function onPen(event) {
  const path = event.composedPath();
  if (DOWN.includes(event.type))
    pen.isDown = path.some((part) => part.classList?.contains("st-key-canvas"));
  if (!pen.isDown) return;
  const isUp = UP.includes(event.type) && !event.touches?.length; // the last finger
  if (isUp) pen.isDown = false;
  if (pen.held) hold(event, path[0]);
  else if (isUp) setTimeout(send); // when the component has the stroke
}

function hold(event, target) {
  pen.held.push([target, copied(event)]);
  event.stopImmediatePropagation();
  if (["touchstart", "touchend"].includes(event.type)) event.preventDefault(); // no mouse events
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
    // Scrolling elsewhere on the page does not wait for this.
    window.addEventListener(name, onPen, { capture: true, passive: name === "touchmove" });
  setInterval(hideToolbar, 100); // the canvas may be mounted anew at any time
}

export default function ({ data }) {
  if (pen.held && pen.redraws !== data.redraws) pen.until = performance.now() + LOADED;
  pen.redraws = data.redraws;
}
