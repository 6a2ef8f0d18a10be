// What the canvas component lacks:
// - A stroke is sent when the pen is lifted.
// - No stroke is lost when the server updates the canvas in mid-stroke or the page replaces it.
// - A hand that rests on the screen leaves no ink, and keeps no finger or stylus from drawing.
// - No invisible button covers the canvas.

const BUTTONS = ["undo", "redo", "eraser", "clear"];
const SEND = "button[title^='Update the app']";
const LOOK = 30; // ms between two checks of the canvas
const LONGEST = 5000; // ms that strokes stay invisible while waiting for a button's answer
const STILL = 2000; // ms that a stylus or mouse counts as present without an event
const MOVES = 4; // pixels that a touch may move and still counts as resting
const SETTLES = 24; // pixels that a hand may slide before it lies still
const TAP = 500; // ms; a touch that rests longer is a hand
const TALLEST = 1000; // same as in canvas.py

// events: strokes and waiting button presses since the last button was pressed
// stroke: index in events where the current stroke begins
// drawing: the pointer that draws, or null
// resting: touches on the canvas that have not moved yet, by pointer id
// stylusUntil: until when a stylus counts as present, judging by its last event
// isHeld: events are kept from the canvas for now
// isAsked: a pressed button has no answer yet
// told: the last update that the canvas received
const pen = (window.digitsPen ??= {
  events: [],
  stroke: 0,
  drawing: null,
  resting: new Map(),
  stylusUntil: 0,
  isHeld: false,
  isAsked: false,
  told: {},
});

function root() {
  return document.querySelector(".st-key-canvas [data-testid='stBidiComponentIsolated']")?.shadowRoot;
}

// The component's toolbar covers the upper right of the canvas, invisible until the mouse rests on
// the canvas. Strokes that begin there, as in many an 8 or 9, would press its buttons.

// The page decides how large the canvas is (page.css). Fabric.js maps the pen to its own 280 pixels.

const PLAIN = `
  .dc-toolbar { display: none !important; }
  .dc-root, .dc-scroll { width: auto !important; overflow: hidden !important; }
  .dc-container, .canvas-container, canvas {
    width: var(--canvas-side, 280px) !important; height: var(--canvas-side, 280px) !important; }
`;

function hideToolbar() {
  const shadow = root();
  if (!shadow || shadow.querySelector("style[data-plain]")) return;
  const style = document.createElement("style");
  style.dataset.plain = "";
  style.textContent = PLAIN;
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
// button press on, and replayed after the canvas is redrawn, however late that is. The eraser's
// button also has the canvas redrawn, so that what follows is drawn with the right brush. For up to
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
  else if (now.brush !== before.brush && pen.drawing && !pen.isHeld) repeat(pen.stroke);
  else if (pen.isHeld && performance.now() > pen.until) repeat(0);
}

// Replay the events from index first on. Those after a button press wait for the button's answer.
function repeat(first) {
  const events = pen.events.splice(first);
  pen.isHeld = false;
  for (const one of events) {
    if (one.key && !pen.isHeld) press(one.key);
    else record(one);
  }
}

function press(key) {
  document.querySelector(`.st-key-${key} button`)?.click();
}

// Keep an event in case it has to be replayed, and draw it unless it is held back.
function record(one) {
  if (one.type === "mousedown") pen.stroke = pen.events.length;
  pen.events.push(one);
  if (!pen.isHeld) draw(one);
}

// Pass an event to the canvas, at its original position within the canvas: the page may have been
// scrolled since, and the canvas may jump for a moment during a rerun.
function draw({ type, x, y, shiftKey }) {
  const canvas = penCanvas();
  if (!canvas) return;
  // A stroke that is dropped or replayed would stay visible there until the next one ends.
  if (type === "mousedown") canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
  const { left, top } = canvas.getBoundingClientRect();
  const facts = { bubbles: true, cancelable: true, composed: true, view: window, shiftKey };
  Object.assign(facts, { clientX: left + x, clientY: top + y });
  canvas.dispatchEvent(new MouseEvent(type, facts));
  if (type === "mouseup") sendSoon();
}

function onClick(event) {
  const key = BUTTONS.find((name) => event.target.closest?.(`.st-key-${name} button`));
  if (!key) return;
  look();
  if (pen.drawing && event.isTrusted) end(); // a hand may be on the canvas, and slide
  if (pen.isHeld) {
    record({ key });
    stop(event);
  } else ask();
}

function ask() {
  const until = performance.now() + LONGEST;
  Object.assign(pen, { events: [], isAsked: true, isHeld: true, until });
}

// Left alone, the component draws with the first touch, even if that is a palm, and ignores most
// styluses while it is down. So only one pointer draws at a time, and its events reach the component
// as those of a mouse:
// - A stylus or mouse draws from where it comes down. It drops the stroke that a touch has begun.
//   As long as a stylus counts as present, every touch is a hand.
// - A touch draws as soon as it moves, and further touches are hands. But while its stroke is short,
//   it may be a hand that settles: another touch that goes farther takes over.
// - A touch that is lifted without having moved draws a dot if it was a tap.

// A pointer on the canvas, and the stroke that it draws or may draw yet. Positions are in pixels of
// the canvas.
class Contact {
  constructor(event) {
    this.id = event.pointerId;
    this.kind = event.pointerType;
    this.place = (penCanvas() ?? event.composedPath()[0]).getBoundingClientRect();
    this.since = performance.now();
    this.reach = 0; // the greatest distance from where it came down
    this.isAlone = true; // no other touch was on the canvas meanwhile
    this.events = [];
    this.follow("mousedown", event);
  }

  // Add an event to the stroke, and return it.
  follow(type, { clientX, clientY, shiftKey }) {
    const one = { type, x: clientX - this.place.x, y: clientY - this.place.y, shiftKey };
    this.events.push(one);
    const first = this.events[0];
    this.reach = Math.max(this.reach, Math.hypot(one.x - first.x, one.y - first.y));
    this.heard = performance.now();
    return one;
  }

  get isTouch() {
    return this.kind === "touch";
  }

  get isTap() {
    return this.isAlone && performance.now() < this.since + TAP;
  }
}

function onPointer(event) {
  if (event.pointerType === "pen") pen.stylusUntil = performance.now() + STILL;
  const touch = pen.resting.get(event.pointerId);
  if (event.type === "pointerdown") onDown(event);
  else if (pen.drawing?.id === event.pointerId) onStroke(event);
  else if (touch && event.type === "pointermove") onMove(event, touch);
  else if (touch) onLift(event, touch);
}

function onDown(event) {
  if (event.button !== 0 || !isOnCanvas(event)) return;
  look();
  forgetLost(event);
  if (event.pointerType !== "touch") overrule(event);
  else if (!isHand()) rest(event);
}

// Forget pointers that are gone although no event reported it. A primary pointer is the only one of
// its kind on the screen. A stylus or mouse without events is gone after a while.
function forgetLost({ pointerType, isPrimary }) {
  const { drawing } = pen;
  if (isPrimary && pointerType === "touch") pen.resting.clear();
  const isReplaced = isPrimary && drawing?.kind === pointerType;
  const isSilent = drawing && !drawing.isTouch && performance.now() > drawing.heard + STILL;
  if (isReplaced || isSilent) end();
}

// Draw with a stylus or mouse, whatever a touch draws.
function overrule(event) {
  drop();
  pen.resting.clear();
  begin(new Contact(event));
}

// Whether a touch that comes down is a hand, and draws nothing as long as it stays on the screen.
function isHand() {
  const isStroke = pen.drawing && !(pen.drawing.isTouch && pen.drawing.reach < SETTLES);
  return isStroke || performance.now() < pen.stylusUntil;
}

// Wait until a touch moves. Until then it may be a finger or a hand.
function rest(event) {
  const touch = new Contact(event);
  const others = [...pen.resting.values()];
  touch.isAlone = !pen.drawing && !others.length;
  for (const other of others) other.isAlone = false;
  pen.resting.set(touch.id, touch);
}

function onMove(event, touch) {
  touch.follow("mousemove", event);
  if (touch.reach < (pen.drawing ? SETTLES : MOVES)) return;
  drop();
  begin(touch);
}

function onLift(event, touch) {
  pen.resting.delete(touch.id);
  if (event.type !== "pointerup" || !touch.isTap) return;
  begin(touch);
  end();
}

function begin(contact) {
  pen.drawing = contact;
  pen.resting.delete(contact.id);
  forgetHands();
  for (const one of contact.events) record(one);
}

function onStroke(event) {
  look();
  if (event.type !== "pointermove") return end();
  record(pen.drawing.follow("mousemove", event));
  forgetHands();
}

function end() {
  record({ ...pen.drawing.events.at(-1), type: "mouseup" });
  pen.drawing = null;
}

// What rests beside a stroke that is long enough is a hand.
function forgetHands() {
  if (pen.drawing.reach >= SETTLES) pen.resting.clear();
}

// Drop the current stroke, if there is one. The component drops its own when another one begins.
function drop() {
  if (!pen.drawing) return;
  pen.events.splice(pen.stroke);
  pen.drawing = null;
}

function isOnCanvas(event) {
  return event.composedPath().some((part) => part.classList?.contains("st-key-canvas"));
}

// Keep the browser's own mouse events and touches from the component. Between strokes it may follow
// the mouse, for the shape of the cursor.
function onOwn(event) {
  if (!event.isTrusted) return; // it is one of ours
  const isHover = event.type === "mousemove" && !pen.drawing;
  const isMouse = event.type !== "touchstart";
  if ((isOnCanvas(event) && !isHover) || (pen.drawing && isMouse)) stop(event);
}

function stop(event) {
  event.stopImmediatePropagation();
  // Preventing the default of a touch also keeps it from scrolling and zooming the page.
  if (["click", "touchstart"].includes(event.type)) event.preventDefault();
}

if (!pen.isListening) {
  pen.isListening = true;
  const listen = (name, listener) =>
    window.addEventListener(name, listener, { capture: true, passive: false });
  listen("click", onClick);
  for (const name of ["down", "move", "up", "cancel"]) listen(`pointer${name}`, onPointer);
  for (const name of ["mousedown", "mousemove", "mouseup", "touchstart"]) listen(name, onOwn);
  setInterval(look, LOOK);
  setInterval(hideToolbar, 100); // the canvas may be remounted at any time
}

export default function () {}
