"""HTML of our own on the page in which things can be clicked or reached by keyboard."""

import streamlit as st

_SCRIPT = """
export default function ({ data, parentElement, setStateValue }) {
  let root = parentElement.querySelector(":scope > .clickable");
  if (!root) {
    root = document.createElement("div");
    root.className = "clickable";
    parentElement.appendChild(root);
  }
  if (root.shown !== data) {
    root.innerHTML = root.shown = data;
  }
  root.onclick = (event) => {
    const chosen = event.target.closest("[data-value]");
    if (chosen) setStateValue("clicked", chosen.dataset.value);
  };
}
"""
_component = st.components.v2.component("digits_clickable", js=_SCRIPT, isolate_styles=False)


def clickable(html: str, key: str) -> str | None:
    """Show HTML, and tell what was clicked last.

    Args:
        html: our own, with every text from outside escaped. What can be clicked is a button with
            the attribute data-value.
        key: of the widget.
    Returns:
        The data-value of the last click, None before the first. It may be of an earlier HTML.
    """
    result = _component(data=html, key=key, on_clicked_change=lambda: None)
    return result.clicked
