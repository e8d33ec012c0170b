// The box for the prompt, the menus and the buttons.

const NAMES_PAUSE = 150; // milliseconds after the last key, before the names are asked for

function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

function button(label, title, onClick) {
  const node = make("button", { type: "button", class: "cellmage-button", title }, label);
  node.addEventListener("click", () => {
    if (node.getAttribute("aria-disabled") !== "true") onClick();
  });
  return node;
}

function setEnabled(node, isEnabled) {
  node.setAttribute("aria-disabled", !isEnabled);
}

function labelled(label, field) {
  return make("label", { class: "cellmage-field" }, make("span", {}, label), field);
}

function render({ model, el }) {
  const id = crypto.randomUUID();
  el.classList.add("cellmage-view");

  const title = make("div", { class: "cellmage-title" });
  const box = make("textarea", { rows: 3, class: "cellmage-prompt", "aria-label": "Prompt" });
  box.placeholder = "Ask: Ctrl+Enter sends, Up recalls earlier prompts";
  const attached = make("ul", { class: "cellmage-attached", "aria-label": "Attached" });
  const line = make("div", { class: "cellmage-line", role: "alert" });

  // Menus.

  const fields = {
    model: make("input", { list: `${id}-models`, size: 22 }),
    persona: make("select"),
    temperature: make("input", { type: "number", min: 0, max: 2, step: 0.1 }),
    effort: make("select"),
  };
  const models = make("datalist", { id: `${id}-models` });
  const names = make("datalist", { id: `${id}-names` });
  const name = make("input", { list: `${id}-names`, size: 18, placeholder: "variable or file" });

  function fillMenus() {
    const choices = model.get("choices");
    const standard = choices.default ?? {};
    models.replaceChildren(...(choices.model ?? []).map((value) => make("option", { value })));
    for (const key of ["persona", "effort"]) {
      const first = make("option", { value: "" }, standard[key] || "default");
      const others = (choices[key] ?? []).map((value) => make("option", { value }, value));
      fields[key].replaceChildren(first, ...others);
    }
    for (const key of ["model", "temperature"]) fields[key].placeholder = standard[key] || "default";
    const settings = model.get("settings");
    for (const [key, field] of Object.entries(fields)) field.value = settings[key] ?? "";
  }

  function saveSettings() {
    const values = Object.entries(fields).map(([key, field]) => [key, field.value]);
    model.set("settings", Object.fromEntries(values));
    model.save_changes();
  }

  // Attachments.

  function attach() {
    const value = name.value.trim();
    if (!value) return;
    const remove = button("×", `Remove ${value}`, () => {
      item.remove();
      name.focus();
    });
    remove.setAttribute("aria-label", `Remove ${value}`);
    const item = make("li", {}, make("span", {}, value), remove);
    attached.append(item);
    name.value = "";
    name.focus();
  }

  let timer;
  const askNames = () => {
    clearTimeout(timer);
    timer = setTimeout(() => model.send({ type: "names", text: name.value }), NAMES_PAUSE);
  };

  // Prompts.

  let recalled = 0; // how many prompts back
  let own = ""; // what was in the box before a prompt was recalled
  function recall(step) {
    const prompts = model.get("prompts");
    const next = Math.min(Math.max(recalled + step, 0), prompts.length);
    if (next === recalled) return;
    if (recalled === 0) own = box.value;
    recalled = next;
    box.value = recalled ? prompts[prompts.length - recalled] : own;
    box.setSelectionRange(0, 0);
  }

  function submit() {
    if (model.get("is_busy")) return;
    saveSettings();
    const values = [...attached.children].map((item) => item.firstChild.textContent);
    model.send({ type: "send", prompt: box.value, attach: values });
    if (!box.value.trim()) return;
    box.value = "";
    recalled = 0;
    attached.replaceChildren();
  }

  function onKey(event) {
    const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey && !event.shiftKey;
    const isAtStart = box.selectionStart === 0 && box.selectionEnd === 0;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) submit();
    else if (event.key === "ArrowUp" && isPlain && isAtStart) recall(1);
    else if (event.key === "ArrowDown" && isPlain && isAtStart && recalled) recall(-1);
    else if (event.key === "Escape" && model.get("is_editing")) cancel();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  function cancel() {
    model.send({ type: "cancel" });
    box.value = "";
    box.focus();
  }

  const send = button("Send", "Send the prompt (Ctrl+Enter)", submit);
  send.classList.add("cellmage-primary");
  const stop = button("Stop", "Stop the answer; what has arrived stays", () =>
    model.send({ type: "stop" }),
  );
  const begin = button("New", "Begin a new conversation", () => model.send({ type: "new" }));
  const leave = button("Cancel", "Leave the text as it is (Escape)", cancel);
  const add = button("Attach", "Attach this variable or file to the next prompt", attach);

  // What Python changes.

  function showState() {
    const isBusy = model.get("is_busy");
    setEnabled(send, !isBusy);
    setEnabled(stop, isBusy);
    setEnabled(begin, !isBusy);
    leave.hidden = !model.get("is_editing");
    title.textContent = model.get("title");
    line.textContent = model.get("line");
  }
  const handlers = {
    draft({ text, back }) {
      if (back && box.value) return; // the user has gone on
      box.value = text;
      if (!back) box.focus();
    },
    names({ names: values }) {
      names.replaceChildren(...values.map((value) => make("option", { value })));
    },
  };
  const receive = (message) => handlers[message.type]?.(message);

  box.addEventListener("keydown", onKey);
  box.addEventListener("input", () => (recalled = 0));
  name.addEventListener("input", askNames);
  name.addEventListener("focus", askNames);
  name.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    attach();
  });
  for (const field of Object.values(fields)) field.addEventListener("change", saveSettings);
  model.on("change:is_busy change:title change:line change:is_editing", showState);
  model.on("change:choices", fillMenus);
  model.on("msg:custom", receive);

  const form = make(
    "div",
    { class: "cellmage-form", role: "group", "aria-label": "Ask" },
    title,
    box,
    attached,
    make("div", { class: "cellmage-row" }, send, stop, leave, begin),
    make(
      "div",
      { class: "cellmage-row" },
      labelled("Model", fields.model),
      labelled("Persona", fields.persona),
      labelled("Temperature", fields.temperature),
      labelled("Effort", fields.effort),
      labelled("Attach", name),
      add,
    ),
    models,
    names,
  );
  el.append(form, line);
  fillMenus();
  showState();
  return () => {
    model.off("change:is_busy change:title change:line change:is_editing", showState);
    model.off("change:choices", fillMenus);
    model.off("msg:custom", receive);
  };
}

export default { render };
