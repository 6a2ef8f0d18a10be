// What the canvas component lacks: a stroke is sent when the pen is lifted, none is lost by what
// the server tells the canvas while it is drawn, nor when the page takes the canvas down and puts up
// another, and no unseen button lies over it.

const BUTTONS = ["undo", "redo", "clear"];
const SEND = "button[title^='Update the app']";
const DOWN = ["pointerdown", "mousedown", "touchstart"];
const MOVE = ["pointermove", "mousemove", "touchmove", "pointerup"];
const UP = ["mouseup", "touchend", "touchcancel", "pointercancel"];
const TOUCHES = ["touches", "targetTouches", "changedTouches"];
const LOOK = 30; // ms from one look at the canvas to the next
const LONGEST = 5000; // ms that strokes wait unseen for a button's answer
const STILL = 2000; // ms that a stylus may rest on the canvas without an event
const TALLEST = 1000; // as in canvas.py

// events: of the pen, and of buttons that wait, since the last button was pressed
// stroke: the first of those of the present stroke
// place: where the canvas was on the screen when that began
// pointer, finger: what draws it, by the ids of pointers and of touches, null where it has none
// isStylus: it is a pen of a tablet, beside which a hand may rest
// heard: until when a stylus counts as there, by its last event
// isOtherDown: the pointer that came down last is not what draws
// isAsked: a button was pressed that has no answer yet
// told: what the canvas was told last
const pen = (window.digitsPen ??= {
  events: [],
  stroke: 0,
  place: { x: 0, y: 0 },
  pointer: null,
  finger: null,
  isStylus: false,
  heard: 0,
  isOtherDown: false,
  isDown: false,
  isHeld: false,
  isAsked: false,
  told: {},
});

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

// When the component has the stroke.
function sendSoon() {
  clearTimeout(pen.sending);
  pen.sending = setTimeout(send);
}

// Undo, redo and clear reach the canvas by way of the server, which makes it draw other strokes.
// That wipes what was drawn since the button was pressed. So the pen's events are kept from then
// on, and happen once more when the canvas was redrawn, however late that is. At first they are
// held back, to happen then alone; but nobody draws unseen for long.

// What the canvas was told last, by the greatest height that it has in the same step (canvas.py).
// It draws at once what it is told: there is never an event between the two.
function told() {
  const canvas = root()?.querySelector("canvas.dc-canvas");
  const height = parseInt(root()?.querySelector(".dc-scroll")?.style.maxHeight);
  return canvas && height
    ? { canvas, redraws: Math.floor(height / TALLEST) - 1, brush: height % TALLEST }
    : null;
}

// The component has two canvases one over the other: this one takes the pen's events.
function penCanvas() {
  return root()?.querySelector("canvas.upper-canvas");
}

// Another canvas begins with the strokes that it was told. After a picture was looked at these are
// all. But a button's answer has none of those since the button, nor has a canvas that is told what
// it was told before: where two runs of the page follow closely, Streamlit may take the canvas down
// and put it up again like that. Then they are drawn again, with the brush of now.
function look() {
  const now = told() ?? pen.told;
  const before = pen.told;
  pen.told = now;
  const isNew = now.canvas !== before.canvas;
  const isRedrawn = now.redraws !== before.redraws;
  const isAnswer = isRedrawn && pen.isAsked;
  if (isAnswer) pen.isAsked = false;
  if (isNew && isRedrawn && !isAnswer) pen.events = [];
  else if (isRedrawn || (isNew && !pen.isHeld)) repeat(0);
  else if (now.brush !== before.brush && pen.isDown && !pen.isHeld) repeat(pen.stroke);
  else if (pen.isHeld && performance.now() > pen.until) repeat(0);
}

// All events from the first on happen once more; after a button they wait for its answer.
function repeat(first) {
  const events = pen.events.splice(first);
  pen.isHeld = false;
  for (const one of events) {
    if (one.key && !pen.isHeld) {
      press(one.key);
      continue;
    }
    if (one.isFirst) pen.stroke = pen.events.length;
    pen.events.push(one);
    if (!pen.isHeld) draw(one);
  }
}

function press(key) {
  document.querySelector(`.st-key-${key} button`)?.click();
}

// The page may have been scrolled since, and while it is drawn anew the canvas may jump for a moment:
// a stroke is drawn where it was in the canvas that it began on.
function draw({ event, place, isLast }) {
  const canvas = penCanvas();
  if (!canvas) return;
  const { x, y } = canvas.getBoundingClientRect();
  canvas.dispatchEvent(copied(event, x - place.x, y - place.y));
  if (isLast) sendSoon();
}

function onClick(event) {
  const key = BUTTONS.find((name) => event.target.closest?.(`.st-key-${name} button`));
  if (!key) return;
  look();
  if (pen.isHeld) {
    pen.events.push({ key });
    stop(event);
  } else ask();
}

function ask() {
  const until = performance.now() + LONGEST;
  Object.assign(pen, { events: [], isAsked: true, isHeld: true, until });
}

function onPen(event) {
  if (!event.isTrusted) return; // it happens once more
  if (pen.isHeld || pen.isDown || DOWN.includes(event.type)) look();
  const [target, ...around] = event.composedPath();
  const isOnCanvas = around.some((part) => part.classList?.contains("st-key-canvas"));
  if (isOther(event)) {
    if (isOnCanvas) stop(event);
    return;
  }
  const isFirst = DOWN.includes(event.type) && begin(event, target, isOnCanvas);
  if (!pen.isDown) return;
  pen.heard = performance.now() + STILL;
  const isLast = UP.includes(event.type);
  if (isLast) pen.isDown = false;
  const isOwn = (touch) => touch.identifier === pen.finger;
  const one = { event: copied(event, 0, 0, isOwn), place: pen.place, isFirst, isLast };
  pen.events.push(one);
  if (pen.isHeld) stop(event);
  else if (!isInPlace(target) || event.touches?.length > (isLast ? 0 : 1)) {
    stop(event);
    draw(one);
  } else if (isLast) sendSoon();
}

// Whether an event is of a second finger, or of a palm, while the first one or a stylus draws.
function isOther(event) {
  if (event.type === "pointerdown") pen.isOtherDown = pen.isDown && !isOfNewHand(event);
  if (!pen.isDown || isOfNewHand(event)) return false;
  if (event instanceof PointerEvent) return event.pointerId !== pen.pointer;
  if (!event.touches) return false;
  if (pen.finger !== null) return !has(event.changedTouches, pen.finger);
  return pen.isOtherDown || event.type !== "touchstart"; // what touches has begun so
}

// Whether an event shows that what drew is gone, though nobody said so. The first touch is the
// primary one, too, beside a stylus: it is of a palm as long as the stylus is heard of.
function isOfNewHand(event) {
  if (event.type === "pointerdown") {
    const isPalm = pen.isStylus && event.pointerType === "touch" && performance.now() < pen.heard;
    return event.isPrimary && !isPalm;
  }
  return event.type === "touchstart" && pen.finger !== null && !has(event.touches, pen.finger);
}

function has(touches, finger) {
  return [...touches].some((touch) => touch.identifier === finger);
}

// Whether it begins a stroke; it may be the second of the events that say so.
function begin(event, target, isOnCanvas) {
  const isFirst = isOnCanvas && (!pen.isDown || isOfNewHand(event));
  pen.isDown = isOnCanvas;
  if (isFirst) Object.assign(pen, { stroke: pen.events.length, pointer: null, finger: null });
  if (event instanceof PointerEvent)
    Object.assign(pen, { pointer: event.pointerId, isStylus: event.pointerType === "pen" });
  if (event.touches) pen.finger = event.changedTouches[0].identifier;
  if (!isFirst) return false;
  pen.place = (penCanvas() ?? target).getBoundingClientRect();
  // A finger's events go to what it touched first, and nowhere else once that is taken down.
  for (const name of ["touchmove", "touchend", "touchcancel"])
    target.addEventListener(name, onOrphan);
  return true;
}

function onOrphan(event) {
  if (!event.currentTarget.isConnected) onPen(event);
}

// Whether an event reaches the canvas by itself, and where the stroke is meant to be.
function isInPlace(target) {
  const canvas = penCanvas();
  if (!canvas || !target.isConnected) return false;
  const { x, y } = canvas.getBoundingClientRect();
  return x === pen.place.x && y === pen.place.y;
}

function stop(event) {
  event.stopImmediatePropagation();
  if (["click", "touchstart", "touchend"].includes(event.type)) event.preventDefault(); // no mouse
}

// The same event, some pixels to the right and down, with the touches that are wanted.
function copied(event, right, down, isWanted = () => true) {
  const facts = { bubbles: true, cancelable: true, composed: true, view: window };
  for (const name of ["button", "buttons", "pointerId", "isPrimary"])
    if (name in event) facts[name] = event[name];
  if ("clientX" in event)
    Object.assign(facts, { clientX: event.clientX + right, clientY: event.clientY + down });
  for (const name of TOUCHES.filter((one) => one in event))
    facts[name] = [...event[name]]
      .filter(isWanted)
      .map((touch) => moved(touch, right, down));
  return new event.constructor(event.type, facts);
}

function moved({ identifier, target, clientX, clientY, pageX, pageY }, right, down) {
  return new Touch({
    identifier,
    target,
    clientX: clientX + right,
    clientY: clientY + down,
    pageX: pageX + right,
    pageY: pageY + down,
  });
}

if (!pen.isListening) {
  pen.isListening = true;
  window.addEventListener("click", onClick, { capture: true });
  for (const name of [...DOWN, ...MOVE, ...UP])
    // Scrolling elsewhere on the page does not wait for this.
    window.addEventListener(name, onPen, { capture: true, passive: name === "touchmove" });
  setInterval(look, LOOK);
  setInterval(hideToolbar, 100); // the canvas may be mounted anew at any time
}

export default function () {}
