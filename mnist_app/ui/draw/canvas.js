// What the canvas component lacks:
// - A stroke is sent when the pen is lifted.
// - No stroke is lost when the server updates the canvas in mid-stroke or the page replaces it.
// - No invisible button covers the canvas.

const BUTTONS = ["undo", "redo", "clear"];
const SEND = "button[title^='Update the app']";
const DOWN = ["pointerdown", "mousedown", "touchstart"];
const MOVE = ["pointermove", "mousemove", "touchmove", "pointerup"];
const UP = ["mouseup", "touchend", "touchcancel", "pointercancel"];
const TOUCHES = ["touches", "targetTouches", "changedTouches"];
const LOOK = 30; // ms between two checks of the canvas
const LONGEST = 5000; // ms that strokes stay invisible while waiting for a button's answer
const STILL = 2000; // ms that a resting stylus counts as present without an event
const TALLEST = 1000; // same as in canvas.py

// events: the pen's events and the waiting button presses since the last button was pressed
// stroke: index in events where the current stroke begins
// place: where the canvas was on the screen when that stroke began
// pointer, finger: pointer id and touch id of what draws, null if it has none
// isStylus: a tablet's stylus draws, so a hand may rest on the screen
// heard: until when a stylus counts as present, judging by its last event
// isOtherDown: the pointer that came down last is not the one that draws
// isHeld: events are kept from the canvas for now
// isAsked: a pressed button has no answer yet
// told: the last update that the canvas received
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

// The component's toolbar covers the upper right of the canvas, invisible until the mouse rests on
// the canvas. Strokes that begin there, as in many an 8 or 9, would press its buttons.

function hideToolbar() {
  const shadow = root();
  if (!shadow || shadow.querySelector("style[data-plain]")) return;
  const style = document.createElement("style");
  style.dataset.plain = "";
  style.textContent = ".dc-toolbar { display: none !important; }";
  shadow.append(style);
}

// Press the toolbar's send button. Left alone, the component waits 200 ms for another stroke.

function send() {
  root()?.querySelector(SEND)?.click();
}

// Send once the component has the stroke.
function sendSoon() {
  clearTimeout(pen.sending);
  pen.sending = setTimeout(send);
}

// Undo, redo and clear go through the server, which then makes the canvas draw other strokes. That
// wipes whatever was drawn since the button was pressed. So the pen's events are recorded from the
// button press on, and replayed after the canvas is redrawn, however late that is. For up to
// LONGEST ms they are also held back from the canvas. After that they are drawn anyway, because
// nobody should have to draw blind for long.

// The last update that the canvas received, decoded from its maximum height (see canvas.py), which
// changes in the same step. The canvas draws an update immediately, with no event in between.
function told() {
  const canvas = root()?.querySelector("canvas.dc-canvas");
  const height = parseInt(root()?.querySelector(".dc-scroll")?.style.maxHeight);
  return canvas && height
    ? { canvas, redraws: Math.floor(height / TALLEST) - 1, brush: height % TALLEST }
    : null;
}

// The component stacks two canvases; this one takes the pen's events.
function penCanvas() {
  return root()?.querySelector("canvas.upper-canvas");
}

// Check whether strokes have to be replayed.
// - A new canvas starts with the strokes that the server sent. After a picture was shown, that is
//   every stroke, so the recorded events are dropped.
// - A button's answer lacks the strokes drawn since the button was pressed. They are replayed.
// - If two reruns follow closely, Streamlit may remove the canvas and put up a new one with the
//   previous update. It lacks the same strokes, which are replayed with the current brush.
// - If the brush changes in mid-stroke, the stroke is replayed with the new brush.
// - If a button's answer takes too long, the events held back are drawn without it.
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

// Replay the events from index first on. Those after a button press wait for the button's answer.
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

// Draw a stroke at its original position within the canvas: the page may have been scrolled since,
// and the canvas may jump for a moment during a rerun.
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
  if (!event.isTrusted) return; // it is one of our replayed events
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

// Whether an event belongs to a second finger or a palm while another finger or a stylus draws.
function isOther(event) {
  if (event.type === "pointerdown") pen.isOtherDown = pen.isDown && !isOfNewHand(event);
  if (!pen.isDown || isOfNewHand(event)) return false;
  if (event instanceof PointerEvent) return event.pointerId !== pen.pointer;
  if (!event.touches) return false;
  if (pen.finger !== null) return !has(event.changedTouches, pen.finger);
  return pen.isOtherDown || event.type !== "touchstart"; // our own touch would start with one
}

// Whether an event shows that the pointer that drew is gone, although no event reported its end.
// Beside a stylus, the first touch is also primary. It is a palm as long as the stylus counts as
// present.
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

// Record what draws, and return whether the event begins a stroke. Several events report the same
// press, such as pointerdown and touchstart; only the first of them begins the stroke.
function begin(event, target, isOnCanvas) {
  const isFirst = isOnCanvas && (!pen.isDown || isOfNewHand(event));
  pen.isDown = isOnCanvas;
  if (isFirst) Object.assign(pen, { stroke: pen.events.length, pointer: null, finger: null });
  if (event instanceof PointerEvent)
    Object.assign(pen, { pointer: event.pointerId, isStylus: event.pointerType === "pen" });
  if (event.touches) pen.finger = event.changedTouches[0].identifier;
  if (!isFirst) return false;
  pen.place = (penCanvas() ?? target).getBoundingClientRect();
  // A finger's events go to the element it touched first. Once that element is removed from the
  // page, they reach nothing else.
  for (const name of ["touchmove", "touchend", "touchcancel"])
    target.addEventListener(name, onOrphan);
  return true;
}

function onOrphan(event) {
  if (!event.currentTarget.isConnected) onPen(event);
}

// Whether an event reaches the canvas by itself, at the position where the stroke belongs.
function isInPlace(target) {
  const canvas = penCanvas();
  if (!canvas || !target.isConnected) return false;
  const { x, y } = canvas.getBoundingClientRect();
  return x === pen.place.x && y === pen.place.y;
}

function stop(event) {
  event.stopImmediatePropagation();
  // Preventing the default of a touch also stops the mouse events that would follow it.
  if (["click", "touchstart", "touchend"].includes(event.type)) event.preventDefault();
}

// A copy of an event, moved right and down by some pixels, with only the wanted touches.
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
    // Passive, so that scrolling elsewhere on the page does not wait for the listener.
    window.addEventListener(name, onPen, { capture: true, passive: name === "touchmove" });
  setInterval(look, LOOK);
  setInterval(hideToolbar, 100); // the canvas may be remounted at any time
}

export default function () {}
