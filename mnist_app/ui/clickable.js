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
