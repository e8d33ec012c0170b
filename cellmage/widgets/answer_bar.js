// Bars below answers. No output has them: they are drawn beside the outputs of a cell, so the
// notebook's file never contains one. Python names a cell by its id, and an answer by its own.

const PING_MS = [0, 50, 100, 200, 400, 800, 1600, 3000, 6000];
const ASK_MS = 1000; // between two questions whether a message was lost
const CHECK_MS = 3000; // a page that shows Stop asks this often
const COPIED_MS = 1500;

// The bar of one cell.
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
    if (this.lacksRest() !== this.isHalf) this.update(this.state);
  }

  lacksRest() {
    const { cell, key, live, turn } = this.state;
    const model = this.link.page.find(cell)?.model;
    return turn && !live && Boolean(model?.outputs) && !hasEnd(model, key);
  }

  update(state) {
    const focused = this.node.contains(document.activeElement)
      ? document.activeElement.dataset.name
      : null;
    this.state = state;
    this.isHalf = this.lacksRest();
    this.node.replaceChildren(...this.children(state));
    if (focused) {
      const again = this.node.querySelector(`button[data-name="${focused}"]`);
      (again ?? this.node.querySelector("button"))?.focus({ preventScroll: true });
    }
  }

  children(state) {
    const send = (type, more = {}) => () => this.link.send({ type, cell: state.cell, ...more });
    const line = makeText("cellmage-answer-line", state.line, "status");
    if (state.live)
      return [
        makeButton("Stop", "stop", "Stop this answer", send("stop")),
        this.followButton(state.cell),
        line,
      ];
    const copy = makeButton("Copy", "copy", "Copy the answer as text", () => this.copy());
    const nodes = [
      copy,
      makeButton("Copy as markdown", "markdown", "Copy the answer as markdown", send("markdown")),
      makeButton("Retry", "retry", "Ask again in place; this version is kept", send("retry")),
    ];
    if (this.isHalf)
      nodes.unshift(
        makeButton("Show the rest", "rest", "Show the whole answer in its place", send("rest")),
      );
    if (state.cut)
      nodes.push(makeButton("Continue", "continue", "Have the answer continued", send("continue")));
    if (state.turn)
      nodes.push(makeButton("Fork", "fork", "Begin a conversation that ends here", send("fork")));
    if (state.versions > 1) nodes.push(this.versions(state, send));
    return [...nodes, line];
  }

  followButton(cellId) {
    const title = "Keep the end of the answer in view, until you scroll up";
    const button = makeButton("Follow", "follow", title, () => this.link.toggleFollow(cellId));
    button.setAttribute("aria-pressed", this.link.followers.has(cellId));
    return button;
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
    this.followers = new Map();
    this.number = 0; // of the last message, with none before it missing
    this.asked = -ASK_MS;
    this.timer = setInterval(() => {
      if ([...this.states.values()].some(({ live }) => live)) this.ask();
    }, CHECK_MS);
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

  // A server drops messages of a kernel that sends too many, and tells neither side.
  receive(message) {
    const { type, number } = message;
    if (type === "known") this.number = number;
    else if (number > this.number + (type === "number" ? 0 : 1)) this.ask();
    else if (type !== "number") this.number = number;
    this.handlers[type]?.(message);
  }

  ask() {
    if (performance.now() - this.asked < ASK_MS) return;
    this.asked = performance.now();
    this.send({ type: "have", number: this.number });
  }

  follow(cellId) {
    const nodes = () => (this.bars.get(cellId) ?? []).map(({ node }) => node);
    const onEnd = () => {
      this.followers.delete(cellId);
      this.update(cellId);
    };
    this.followers.set(cellId, new Follower(nodes, onEnd));
    this.update(cellId);
  }

  toggleFollow(cellId) {
    if (this.followers.has(cellId)) this.followers.get(cellId).end();
    else this.follow(cellId);
  }

  update(cellId) {
    for (const bar of this.bars.get(cellId) ?? []) bar.update(this.states.get(cellId));
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
    this.followers.get(cellId)?.end();
    this.states.delete(cellId);
  }

  handlers = {
    cells: ({ cells }) => {
      for (const cellId of [...this.states.keys()]) if (!cells.includes(cellId)) this.remove(cellId);
    },
    bars: ({ bars, removed }) => {
      for (const state of bars) {
        const wasLive = this.states.get(state.cell)?.live;
        this.states.set(state.cell, state);
        this.update(state.cell);
        this.place(state.cell);
        if (!state.live) this.followers.get(state.cell)?.endSoon();
        else if (!wasLive && state.follow && !this.followers.has(state.cell)) this.follow(state.cell);
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
    clearInterval(this.timer);
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
    isKnown ||= message.type === "known";
    link?.receive(message);
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
