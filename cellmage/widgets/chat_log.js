// The conversation: each entry is a question and the parts of its answer, rendered by the page.

const BUTTONS = [
  ["Retry", "retry", {}, "Ask again"],
  ["Edit", "edit", { what: "question" }, "Edit the question, and ask it again"],
  ["Edit answer", "edit", { what: "answer" }, "Edit the answer"],
  ["Copy", "copy", {}, "Copy the answer as markdown"],
];
const NEAR_END = 40; // pixels
const SPOKEN_CHARS = 1000;

function make(tag, className, text = "") {
  const node = document.createElement(tag);
  node.className = className;
  node.textContent = text;
  return node;
}

// A part renders its newest markdown; what comes while the page is at work waits, and may be
// replaced. So a slow page skips frames.
class Part {
  constructor(rendermime, onPaint) {
    this.node = make("div", "cellmage-part");
    this.rendermime = rendermime;
    this.onPaint = onPaint;
    this.renderer = rendermime?.createRenderer("text/markdown");
    if (this.renderer) this.node.append(this.renderer.node);
  }

  async show(markdown) {
    this.next = markdown;
    if (this.isBusy) return;
    this.isBusy = true;
    while (this.next !== undefined) {
      const text = this.next;
      this.next = undefined;
      if (this.renderer) await this.render(text);
      else this.node.textContent = text;
      this.onPaint();
    }
    this.isBusy = false;
  }

  async render(text) {
    const data = { "text/markdown": text };
    await this.renderer.renderModel({ data, metadata: {}, trusted: false, setData() {} });
    if (/[$\\]/.test(text)) this.rendermime.latexTypesetter?.typeset(this.renderer.node);
  }
}

class Entry {
  constructor(model, onPaint) {
    this.model = model;
    this.onPaint = onPaint;
    this.parts = new Map();
    this.spoken = 0;
    this.node = make("article", "cellmage-entry");
    this.question = make("div", "cellmage-question");
    this.answer = make("div", "cellmage-answer");
    this.bar = make("div", "cellmage-bar");
    this.node.append(this.question, this.answer, this.bar);
  }

  update({ key, question, live, parts }, number) {
    this.number = number;
    this.node.setAttribute("aria-label", `Question ${number}`);
    this.node.setAttribute("aria-busy", live);
    this.question.textContent = question;
    const indexes = new Set(parts.map(([index]) => index));
    for (const index of [...this.parts.keys()]) if (!indexes.has(index)) this.set(index, "");
    for (const [index, markdown] of parts) this.set(index, markdown);
    if (live || this.bar.childElementCount) return;
    for (const [label, type, more, title] of BUTTONS) {
      const button = make("button", "cellmage-button", label);
      button.type = "button";
      button.title = title;
      button.setAttribute("aria-label", `${label}, question ${number}`);
      button.addEventListener("click", () => this.model.send({ type, key, ...more }));
      this.bar.append(button);
    }
  }

  set(index, markdown) {
    let part = this.parts.get(index);
    if (part?.markdown === markdown) return;
    if (!markdown) {
      part?.node.remove();
      this.parts.delete(index);
      return;
    }
    if (!part) {
      part = new Part(this.model.widget_manager?.rendermime, () => this.onPaint(this));
      this.parts.set(index, part);
      const later = [...this.parts.keys()].filter((other) => other > index);
      const next = later.length ? this.parts.get(Math.min(...later)).node : null;
      this.answer.insertBefore(part.node, next);
    }
    part.markdown = markdown;
    part.show(markdown);
  }

  // The blocks that are settled: a block is when another one follows it.
  unspoken(isEnd) {
    const found = [];
    for (const [index, part] of [...this.parts].sort(([a], [b]) => a - b))
      if (index >= 0) found.push(...(part.renderer?.node ?? part.node).children);
    const settled = isEnd ? found : found.slice(0, -1);
    const news = settled.slice(this.spoken);
    this.spoken = Math.max(this.spoken, settled.length);
    return news.map((block) => block.textContent.trim()).filter(Boolean);
  }
}

function render({ model, el }) {
  const box = make("div", "cellmage-log");
  box.tabIndex = 0;
  box.setAttribute("role", "region");
  box.setAttribute("aria-label", "Conversation");
  const speech = make("div", "cellmage-hidden");
  speech.setAttribute("aria-live", "polite");
  el.classList.add("cellmage-view");
  el.append(box, speech);

  const entries = new Map();
  let live = null;
  let number = 0;
  let isFollowing = true;
  const measure = () => {
    isFollowing = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_END;
  };
  box.addEventListener("scroll", measure);

  const say = (texts) => {
    if (!texts.length) return;
    speech.append(...texts.map((text) => make("p", "", text.slice(0, SPOKEN_CHARS))));
    while (speech.childElementCount > 5) speech.firstChild.remove();
  };
  const onPaint = (entry) => {
    if (isFollowing) box.scrollTop = box.scrollHeight;
    if (entry === live) say(entry.unspoken(false));
  };

  function setEntries({ order, entries: changed }) {
    for (const [key, entry] of entries) {
      if (order.includes(key)) continue;
      if (entry.node.contains(document.activeElement)) box.focus();
      entry.node.remove();
      entries.delete(key);
    }
    const news = new Map(changed.map((message) => [message.key, message]));
    order.forEach((key, index) => {
      const message = news.get(key);
      if (!entries.has(key)) entries.set(key, new Entry(model, onPaint));
      const entry = entries.get(key);
      if (box.children[index] !== entry.node) box.insertBefore(entry.node, box.children[index] ?? null);
      if (message) entry.update(message, index + 1);
      if (message?.live) {
        live = entry;
        isFollowing = true;
      }
    });
    if (isFollowing) box.scrollTop = box.scrollHeight;
  }

  const handlers = {
    all: setEntries,
    entries: setEntries,
    parts({ key, parts }) {
      const entry = entries.get(key);
      for (const [index, markdown] of parts) entry?.set(index, markdown);
    },
    say: ({ text }) => say([text]),
    async copy({ text }) {
      await copyText(text);
      say(["Copied"]);
    },
    end() {
      if (live) say(live.unspoken(true));
      live = null;
    },
  };
  const receive = (message) => {
    const isMissing = message.n !== number + 1 && message.type !== "all";
    number = message.n;
    if (isMissing) model.send({ type: "show" });
    else handlers[message.type]?.(message);
  };
  model.on("msg:custom", receive);
  model.send({ type: "show" });
  return () => model.off("msg:custom", receive);
}

export default { render };
