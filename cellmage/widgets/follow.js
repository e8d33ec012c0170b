// Keeps the end of an answer in view. It only ever scrolls down, and whatever scrolls up ends it.

const SLACK = 2; // pixels, which a page may round
const LAST_MS = 1000; // a page renders the last outputs a moment after the end
const UP_KEYS = new Set(["ArrowUp", "PageUp", "Home", "k"]);

function* scrollersOf(node) {
  for (let box = node.parentElement; box; box = box.parentElement) {
    const isScroller = /auto|scroll/.test(getComputedStyle(box).overflowY);
    if (isScroller && box.scrollHeight > box.clientHeight) yield box;
  }
}

class Follower {
  // `nodes` returns the bars whose cell is followed, `onEnd` is called once.
  constructor(nodes, onEnd) {
    this.nodes = nodes;
    this.onEnd = onEnd;
    this.tops = new Map();
    this.onUser = (event) => {
      if (this.isLeaving(event)) this.end();
    };
    for (const type of Follower.EVENTS) window.addEventListener(type, this.onUser, true);
    this.step();
  }

  static EVENTS = ["wheel", "touchmove", "pointerdown", "keydown"];

  // What a user does who wants to be somewhere else.
  isLeaving(event) {
    const isInside = [...this.tops.keys()].some((box) => box.contains(event.target));
    const isAtWork = event.target.closest?.("button, .cellmage-answer-bar");
    return {
      wheel: () => isInside && event.deltaY < 0,
      touchmove: () => isInside,
      pointerdown: () => isInside && !isAtWork,
      keydown: () => isInside && (isTyping(event) || UP_KEYS.has(event.key)) && !isAtWork,
    }[event.type]();
  }

  step() {
    if (this.isEnded) return;
    for (const node of this.nodes()) {
      for (const box of scrollersOf(node)) if (!this.scroll(box, node)) return this.end();
    }
    requestAnimationFrame(() => this.step());
  }

  // Scroll a box to the end; return false if the page was scrolled up by anything else.
  scroll(box, node) {
    const before = this.tops.get(box);
    const isUp = before && box.scrollTop < before.top - SLACK && box.scrollHeight >= before.height;
    if (isUp) return false;
    const end = box.getBoundingClientRect().top + box.clientTop + box.clientHeight;
    const below = node.getBoundingClientRect().bottom - end;
    if (below > 0) box.scrollTop = Math.ceil(box.scrollTop + below);
    this.tops.set(box, { top: box.scrollTop, height: box.scrollHeight });
    return true;
  }

  endSoon() {
    setTimeout(() => this.end(), LAST_MS);
  }

  end() {
    if (this.isEnded) return;
    this.isEnded = true;
    for (const type of Follower.EVENTS) window.removeEventListener(type, this.onUser, true);
    this.onEnd();
  }
}

// Whoever types in a cell wants to see it; keys with Ctrl are commands of the page.
function isTyping({ target, ctrlKey, metaKey }) {
  return !ctrlKey && !metaKey && Boolean(target.closest?.(".cm-editor, input, textarea"));
}
