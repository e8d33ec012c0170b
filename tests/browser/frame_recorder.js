// Records the painted frames of one cell: before each paint, what changed is read from the page.
(() => {
  const recorder = { frames: [] };
  window.recorder = recorder;
  const sources = new WeakMap(); // the element of a formula → its TeX

  // JupyterLab's MathJax keeps the sources of the formulas that it typeset last, until the next.
  recorder.keepSources = async () => {
    const { rendermime } = jupyterapp.shell.currentWidget.content;
    const mathDocument = await rendermime.latexTypesetter.mathDocument();
    const render = mathDocument.render;
    mathDocument.render = function (...args) {
      const result = render.apply(this, args);
      for (const { math, typesetRoot } of this.math) sources.set(typesetRoot, math);
      return result;
    };
  };

  const UNSEEN =
    "mjx-container, style, script, .jp-InternalAnchorLink, .cellmage-answer-bar";
  const MATH_ERROR = "mjx-merror, [data-mjx-error], mjx-mtext[style*=red], mjx-mstyle[style*=red]";
  const DIAGRAM_ERROR = ".jp-RenderedMermaid.jp-mod-warning, .jp-RenderedMermaid-Details";

  // The text outside of formulas, the source of a diagram as well; and of this, what is no code.
  function readText(root) {
    const [seen, prose] = [[], []];
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    for (let node; (node = walker.nextNode()); ) {
      if (node.parentElement.closest(UNSEEN)) continue;
      seen.push(node.data);
      if (!node.parentElement.closest("pre, code")) prose.push(node.data);
    }
    return [seen.join(""), prose.join("")];
  }

  const kind = (node) => (node.getAttribute("display") === "true" ? "display" : "inline");
  const width = (cell) => Math.round(cell.getBoundingClientRect().width);

  function read(root) {
    const all = (selector) => [...root.querySelectorAll(selector)];
    const [seen, prose] = readText(root);
    return {
      seen,
      prose,
      formulas: all("mjx-container").map((node) => [kind(node), sources.get(node) ?? ""]),
      math_errors: all(MATH_ERROR).map((node) => node.dataset.mjxError ?? node.textContent),
      diagram_errors: all(DIAGRAM_ERROR).map((node) => node.textContent),
      tables: all("table").map((table) => [...(table.rows[0]?.cells ?? [])].map(width)),
      cells: all("th, td").map((cell) => cell.textContent),
      height: Math.round(root.getBoundingClientRect().height),
    };
  }

  const outputs = (cell) =>
    document.querySelectorAll(".jp-Notebook .jp-CodeCell")[cell].querySelector(".jp-Cell-outputWrapper");

  recorder.read = (cell) => [...outputs(cell).querySelectorAll(".jp-RenderedMarkdown")].map(read);

  recorder.watch = (cell) => {
    const root = outputs(cell);
    let isDue = false;
    const record = () => {
      isDue = false;
      recorder.frames.push(read(root));
    };
    recorder.frames = [];
    recorder.observer?.disconnect();
    recorder.observer = new MutationObserver(() => {
      if (!isDue) requestAnimationFrame(record);
      isDue = true;
    });
    recorder.observer.observe(root, { childList: true, characterData: true, subtree: true });
  };
})();
