"""Strokes that begin while the canvas is about to be redrawn wait until it is.

Undo, redo and clear reach the canvas by way of the server. What is drawn on it until they do would
be wiped with the rest: the events of mouse and fingers are held back instead, and sent to the
canvas when it shows what it was told to.
"""

import streamlit as st

_HOLD = """
const BUTTONS = ".st-key-undo button, .st-key-redo button, .st-key-clear button";
const EVENTS = ["pointerdown", "pointermove", "pointerup", "pointercancel", "mousedown",
  "mousemove", "mouseup", "touchstart", "touchmove", "touchend", "touchcancel"];
const LONGEST = 5000;  // ms; a canvas that is not redrawn by then will not be
const LOADED = 50;  // ms after which the canvas has drawn what it was given

const AGAIN = 1000;  // ms to wait for another redraw, if more buttons were pressed than that
const DOWN = ["pointerdown", "mousedown", "touchstart"];
const UP = ["mouseup", "touchend", "touchcancel", "pointercancel"];

const pen = window.heldPen ??= {events: null, pressed: 0, redraws: null};

function releaseIn(delay) {
  clearTimeout(pen.timer);
  pen.timer = setTimeout(() => {
    const events = pen.events;
    Object.assign(pen, {events: null, pressed: 0, isDown: false});
    for (const [target, event] of events) target.dispatchEvent(event);
  }, delay);
}

function onClick(event) {
  if (!event.target.closest?.(BUTTONS)) return;
  pen.events ??= [];
  pen.pressed += 1;
  releaseIn(LONGEST);
}

function onPen(event) {
  if (!pen.events) return;
  const path = event.composedPath();
  const isOnCanvas = path.some((part) => part.classList?.contains("st-key-canvas"));
  if (DOWN.includes(event.type) && isOnCanvas) pen.isDown = true;
  if (!pen.isDown) return;
  if (UP.includes(event.type)) pen.isDown = false;
  pen.events.push([path[0], copied(event)]);
  event.stopImmediatePropagation();
  if (event.type.startsWith("touch")) event.preventDefault();  // no mouse events after it
}

function copied(event) {
  const facts = {bubbles: true, cancelable: true, composed: true, view: window};
  for (const name of ["clientX", "clientY", "button", "buttons", "pointerId", "isPrimary"])
    if (name in event) facts[name] = event[name];
  for (const name of ["touches", "targetTouches", "changedTouches"])
    if (name in event) facts[name] = [...event[name]];
  return new event.constructor(event.type, facts);
}

if (!pen.isListening) {
  pen.isListening = true;
  window.addEventListener("click", onClick, {capture: true});
  for (const name of EVENTS) window.addEventListener(name, onPen, {capture: true, passive: false});
}

export default function ({data}) {
  if (pen.events && pen.redraws !== data.redraws) {
    pen.pressed -= 1;
    releaseIn(pen.pressed > 0 ? AGAIN : LOADED);
  }
  pen.redraws = data.redraws;
}
"""


def hold(redraws: int) -> None:
    """Hold strokes back while the canvas is redrawn.

    Args:
        redraws: how often the canvas was told what to show; stands below it on the page.
    """
    _component()(key="held_pen", data={"redraws": redraws}, height=1)


@st.cache_resource
def _component():
    return st.components.v2.component("held_pen", js=_HOLD)
