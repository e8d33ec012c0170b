// Bars below answers. No output has them: they are drawn beside the outputs of a cell, so the
// notebook's file never contains one. Python names a cell by its id, and an answer by its own.

const PING_MS = [0, 50, 100, 200, 400, 800, 1600, 3000, 6000];
const NOTES = 1_000_000; // the part below an answer, as in Python
const COPIED_MS = 1500;

// The page of this widget's notebook: its model, and its elements.
class NotebookPage {
  constructor(context) {
    this.context = context;
  }

  find(cellId) {
    const { cells } = this.context.model;
    for (let index = 0; index < cells.length; index++) {
      if (cells.get(index).id === cellId) return { index, model: cells.get(index) };
    }
    return null;
  }

  // The notebooks of the page that show this file; each may be open twice.
  roots() {
    const all = [...document.querySelectorAll(".jp-Notebook")];
    const named = all.filter((root) => {
      const panel = root.closest(".jp-NotebookPanel")?.id;
      const tab = panel && document.querySelector(`.lm-TabBar-tab[data-id="${CSS.escape(panel)}"]`);
      return tab?.title?.split("\n").some((line) => line.endsWith(` ${this.context.localPath}`));
    });
    return named.length ? named : all.length === 1 ? all : [];
  }

  areas(cellId) {
    const index = this.find(cellId)?.index;
    if (index === undefined) return [];
    return this.roots().flatMap((root) => {
      const marked = root.querySelector(`.jp-Cell[data-windowed-list-index="${index}"]`);
      const isMarked = root.querySelector(".jp-Cell[data-windowed-list-index]");
      const cell = marked ?? (isMarked ? null : root.querySelectorAll(".jp-Cell")[index]);
      const area = cell?.querySelector(".jp-Cell-outputWrapper .jp-OutputArea");
      return area ? [area] : [];
    });
  }
}

// Outputs of answers, in the model of a cell: what is written there is saved.

function ownerOf(output) {
  const own = output.metadata?.cellmage ?? {};
  return own.id ?? own.below;
}

function partOf(output) {
  const own = output.metadata.cellmage;
  return own.below ? NOTES : own.part === "reasoning" ? -1 : own.part ?? 0;
}

// Put parts of an answer in place of what is there of it, and of the answers that it replaces.
function writeParts(cell, { id, drop, after, parts }) {
  const { outputs } = cell;
  const list = outputs.toJSON();
  const isOwn = (output) => ownerOf(output) === id && !drop.includes(id);
  const own = new Map(list.filter(isOwn).map((output) => [partOf(output), output]));
  for (const [part, output] of parts) {
    if (output) own.set(part, output);
    else own.delete(part);
  }
  const mine = [...own].sort(([a], [b]) => a - b).map(([, output]) => output);
  const isGone = (output) => isOwn(output) || drop.includes(ownerOf(output));
  const first = list.findIndex(isGone);
  const last = list.findLastIndex((output) => after.includes(ownerOf(output)));
  const start = first >= 0 ? first : last >= 0 ? last + 1 : list.length;
  const before = list.slice(0, start).filter((output) => !isGone(output));
  const behind = list.slice(start).filter((output) => !isGone(output));
  replaceOutputs(outputs, list, [...before, ...mine, ...behind]);
  trimSaved(cell);
}

// Change only what differs: an output that stays keeps its place and its height.
function replaceOutputs(outputs, old, list) {
  for (let index = 0; index < list.length; index++) {
    if (index >= old.length) outputs.add(list[index]);
    else if (old[index] !== list[index]) outputs.set(index, list[index]);
  }
  if (old.length > list.length && !outputs.remove) outputs.fromJSON(list);
  while (outputs.length > list.length) outputs.remove(outputs.length - 1);
}

// JupyterLab (4.6) leaves removed outputs in the model that it saves.
function trimSaved({ outputs, sharedModel }) {
  const count = sharedModel.outputs.length;
  if (count > outputs.length) sharedModel.updateOutputs(outputs.length, count, [], "silent-change");
}

// The bar of one cell.

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

class Bar {
  constructor(link, area) {
    this.link = link;
    this.area = area;
    this.node = document.createElement("div");
    this.node.className = "cellmage-answer-bar";
    this.node.setAttribute("role", "toolbar");
    this.node.setAttribute("aria-label", "Answer");
    this.node.addEventListener("keydown", (event) => this.onKey(event));
  }

  place() {
    if (this.area.lastElementChild !== this.node) this.area.append(this.node);
  }

  update(state) {
    const focused = this.node.contains(document.activeElement)
      ? document.activeElement.dataset.name
      : null;
    this.state = state;
    this.node.replaceChildren(...this.children(state));
    if (focused) {
      const again = this.node.querySelector(`button[data-name="${focused}"]`);
      (again ?? this.node.querySelector("button"))?.focus({ preventScroll: true });
    }
  }

  children(state) {
    const send = (type, more = {}) => () => this.link.send({ type, cell: state.cell, ...more });
    const line = makeText("cellmage-answer-line", state.line, "status");
    if (state.live) return [makeButton("Stop", "stop", "Stop this answer", send("stop")), line];
    const copy = makeButton("Copy", "copy", "Copy the answer as text", () => this.copy());
    const nodes = [
      copy,
      makeButton("Copy as markdown", "markdown", "Copy the answer as markdown", send("markdown")),
      makeButton("Retry", "retry", "Ask again in place; this version is kept", send("retry")),
    ];
    if (state.cut)
      nodes.push(makeButton("Continue", "continue", "Have the answer continued", send("continue")));
    if (state.turn)
      nodes.push(makeButton("Fork", "fork", "Begin a conversation that ends here", send("fork")));
    if (state.versions > 1) nodes.push(this.versions(state, send));
    return [...nodes, line];
  }

  versions({ version, versions }, send) {
    const group = document.createElement("span");
    group.className = "cellmage-answer-versions";
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", "Versions");
    const step = (label, name, title, to) => {
      const button = makeButton(label, name, title, () => {
        if (to >= 1 && to <= versions) send("version", { version: to })();
      });
      button.setAttribute("aria-disabled", to < 1 || to > versions);
      return button;
    };
    group.append(
      step("<", "earlier", "Earlier version", version - 1),
      makeText("cellmage-answer-count", `${version}/${versions}`),
      step(">", "later", "Later version", version + 1),
    );
    return group;
  }

  // Plain keys belong to the buttons; those with Ctrl, such as Ctrl+S, are the page's.
  claimKey({ ctrlKey, metaKey, altKey }) {
    if (ctrlKey || metaKey || altKey) delete this.node.dataset.lmSuppressShortcuts;
    else this.node.dataset.lmSuppressShortcuts = "true";
  }

  onKey(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const buttons = [...this.node.querySelectorAll("button")];
    const next = buttons[buttons.indexOf(document.activeElement) + step];
    next?.focus();
    event.preventDefault();
  }

  async copy(text) {
    const { cell, key } = this.state;
    const outputs = this.link.page.find(cell)?.model.outputs;
    const nodes = this.area.querySelectorAll(":scope > .jp-OutputArea-child");
    const shown = (outputs?.toJSON() ?? []).flatMap((output, index) =>
      output.metadata?.cellmage?.id === key ? [nodes[index]?.innerText.trim() ?? ""] : [],
    );
    await copyText(text ?? shown.filter(Boolean).join("\n\n"));
    this.say("Copied");
  }

  say(text) {
    const line = this.node.querySelector(".cellmage-answer-line");
    line.textContent = text;
    setTimeout(() => {
      if (line.textContent === text) line.textContent = this.state.line;
    }, COPIED_MS);
  }
}

// All bars of a notebook.
class Link {
  constructor(model, context) {
    this.model = model;
    this.page = new NotebookPage(context);
    this.states = new Map();
    this.bars = new Map();
    // A page makes the elements of a cell when it comes into sight, and may do so again.
    this.observer = new MutationObserver(() => this.placeSoon());
    this.observer.observe(document.body, { childList: true, subtree: true });
    this.onKey = (event) => {
      for (const bar of [...this.bars.values()].flat())
        if (bar.node.contains(event.target)) bar.claimKey(event);
    };
    window.addEventListener("keydown", this.onKey, true); // before the page decides about it
  }

  send(message) {
    this.model.send(message);
  }

  placeSoon() {
    if (this.isDue || !this.states.size) return;
    this.isDue = true;
    requestAnimationFrame(() => {
      this.isDue = false;
      for (const cellId of this.states.keys()) this.place(cellId);
    });
  }

  place(cellId) {
    const bars = (this.bars.get(cellId) ?? []).filter((bar) => bar.area.isConnected);
    this.bars.set(cellId, bars);
    for (const area of this.page.areas(cellId)) {
      let bar = bars.find((other) => other.area === area);
      if (!bar) {
        area.querySelector(":scope > .cellmage-answer-bar")?.remove();
        bar = new Bar(this, area);
        bar.update(this.states.get(cellId));
        bars.push(bar);
      }
      bar.place();
    }
  }

  remove(cellId) {
    for (const bar of this.bars.get(cellId) ?? []) bar.node.remove();
    this.bars.delete(cellId);
    this.states.delete(cellId);
  }

  handlers = {
    bars: ({ bars, removed }) => {
      for (const state of bars) {
        this.states.set(state.cell, state);
        for (const bar of this.bars.get(state.cell) ?? []) bar.update(state);
        this.place(state.cell);
      }
      for (const cellId of removed) this.remove(cellId);
    },
    parts: (message) => {
      const cell = this.page.find(message.cell)?.model;
      if (cell?.outputs) writeParts(cell, message);
    },
    copy: ({ cell, text }) => {
      const bars = this.bars.get(cell) ?? [];
      bars[0]?.copy(text);
    },
  };

  close() {
    this.observer.disconnect();
    window.removeEventListener("keydown", this.onKey, true);
    for (const cellId of [...this.states.keys()]) this.remove(cellId);
  }
}

function initialize({ model }) {
  const context = model.widget_manager?.context;
  const link = context?.model?.cells ? new Link(model, context) : null;
  let isKnown = false;
  const receive = (message) => {
    if (message.type === "known") isKnown = true;
    else link?.handlers[message.type]?.(message);
  };
  model.on("msg:custom", receive);
  // Until the page has its subshell, messages wait for the cell that runs.
  const timers = PING_MS.map((time) =>
    setTimeout(() => {
      if (!isKnown) model.send({ type: "here" });
    }, time),
  );
  return () => {
    timers.forEach(clearTimeout);
    model.off("msg:custom", receive);
    link?.close();
  };
}

export default { initialize };
