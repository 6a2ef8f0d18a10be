"""The canvas without its component's own toolbar.

Unseen until the mouse rests on the canvas, that toolbar lies over the upper right of it: strokes
that begin there, as those of many an 8 and 9 do, would press its buttons and be lost. It stands in
a shadow tree, which the page's own style does not reach.
"""

import streamlit as st

_HIDE = """
export default function () {
  const hide = () => {
    const hosts = document.querySelectorAll(
      ".st-key-canvas [data-testid='stBidiComponentIsolated']");
    for (const host of hosts) {
      const root = host.shadowRoot;
      if (!root || root.querySelector("style[data-plain]")) continue;
      const style = document.createElement("style");
      style.dataset.plain = "";
      style.textContent = ".dc-toolbar { display: none !important; }";
      root.append(style);
    }
  };
  hide();
  const timer = setInterval(hide, 100);  // the canvas may be mounted anew at any time
  return () => clearInterval(timer);
}
"""


def hide_toolbar() -> None:
    """Keep the toolbar of every canvas on the page away; to be called once per run of the page."""
    _component()(key="plain_canvas", height=1)


@st.cache_resource
def _component():
    return st.components.v2.component("plain_canvas", js=_HIDE)
