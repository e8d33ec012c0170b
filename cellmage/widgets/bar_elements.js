// The elements of a bar.

function makeButton(label, name, title, onClick) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "cellmage-answer-button";
  button.dataset.name = name;
  button.textContent = label;
  button.title = title;
  if (label.length === 1) button.setAttribute("aria-label", title);
  button.addEventListener("click", onClick);
  return button;
}

function makeText(className, text, role) {
  const node = document.createElement("span");
  node.className = className;
  node.textContent = text;
  if (text) node.title = text;
  if (role) node.setAttribute("role", role);
  return node;
}
