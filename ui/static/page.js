/* Runs before Gradio: Chinese texts whatever the browser's language, names for what Gradio leaves in English or
   unnamed, and copying of messages as they are read. */
(() => {
  "use strict";

  for (const [name, value] of [["language", "zh-CN"], ["languages", ["zh-CN", "zh"]]]) {
    try { Object.defineProperty(navigator, name, { get: () => value, configurable: true }); } catch { /* as it is */ }
  }

  // In a frame of another site the browser may deny storage, which Gradio reads without asking.
  try { void window.localStorage; } catch {
    const kept = new Map();
    Object.defineProperty(window, "localStorage", {
      value: {
        getItem: (key) => (kept.has(key) ? kept.get(key) : null),
        setItem: (key, value) => { kept.set(key, String(value)); },
        removeItem: (key) => { kept.delete(key); },
        clear: () => kept.clear(),
        key: (index) => [...kept.keys()][index] ?? null,
        get length() { return kept.size; },
      },
    });
  }

  const NAMES = new Map([
    ["Like", "有帮助"], ["Liked", "已标为有帮助"], ["clicked like", "已标为有帮助"],
    ["Dislike", "没有帮助"], ["Disliked", "已标为没有帮助"], ["clicked dislike", "已标为没有帮助"],
    ["赞", "有帮助"], ["踩", "没有帮助"],
    ["Copy message", "复制回答与出处"], ["Copied message", "已复制"], ["Copy", "复制"], ["Copied", "已复制"],
    ["Clear", "清空对话"], ["Submit", "发送"], ["Stop", "停止"], ["Scroll to bottom", "回到最新"],
    ["chatbot conversation", "对话"], ["Open cell menu", "排序"],
    ["Select column", "选中整列"], ["Select row", "选中整行"],
  ]);

  const translate = (element) => {
    for (const attribute of ["aria-label", "title"]) {
      const chinese = NAMES.get(element.getAttribute(attribute) ?? "");
      if (chinese) element.setAttribute(attribute, chinese);
    }
  };

  const give = (selector, attributes) => {
    const element = document.querySelector(selector);
    if (!element) return;
    for (const [name, value] of Object.entries(attributes)) {
      if (element.getAttribute(name) !== value) element.setAttribute(name, value);
    }
  };

  const name = (element, text) => {
    if (element.getAttribute("aria-label") !== text) element.setAttribute("aria-label", text);
  };

  const complete = () => {
    document.querySelectorAll("[aria-label], [title]").forEach(translate);
    give("#status", { role: "status", "aria-live": "polite" });
    give("#page-header", { role: "banner" });
    give("#page-footer", { role: "contentinfo" });
    give("#source-column", { role: "complementary", "aria-label": "原文出处与示例问题" });
    const examples = document.querySelector("#examples [data-testid=accordion-content]");
    if (examples) give("#examples > button", { "aria-expanded": String(examples.style.display !== "none") });
    give("#question textarea", { "aria-label": "问题" });
    give("#citation textarea", { "aria-label": "引用卡片（可复制）" });
    give("#ledger-card textarea", { "aria-label": "引用卡片（可复制）" });
    for (const line of ["#check-status", "#ledger-status", "#ledger-count", "#plan-notice"]) {
      give(line, { role: "status", "aria-live": "polite" });
    }
    give("#question .submit-button", { "aria-label": "发送" });
    give("#question .stop-button", { "aria-label": "停止" });
    give("#check-input input[type=file]", { accept: ".txt,.docx", "aria-label": "上传文件", tabindex: "-1" });
    // The menu of a column: reachable by keyboard, without the filters that the page has above the table.
    document.querySelectorAll("#ledger-table .cell-menu-button[tabindex='-1']").forEach((menu) => {
      menu.setAttribute("tabindex", "0");
      name(menu, `${menu.closest("th")?.title ?? ""}：排序`);
    });
    document.querySelectorAll("[role=menuitem]").forEach((item) => {
      if (/filter/i.test(item.textContent)) item.hidden = true;
    });
    // Gradio's name for a message is its Markdown, tags and all.
    document.querySelectorAll("#chat [data-testid=bot]").forEach((message) => name(message, "回答"));
    document.querySelectorAll("#chat [data-testid=user]").forEach((message) => name(message, "问题"));
    document.querySelectorAll("#chat sup.cite:not([tabindex])").forEach((mark) => {
      mark.setAttribute("tabindex", "0");
      mark.setAttribute("role", "link");
      mark.setAttribute("aria-label", `查看出处${mark.textContent}`);
    });
  };

  // What a permalink points at is brought into view once, when it is first there.
  let shown = null;
  const showTarget = () => {
    const target = document.querySelector("#plan-text .is-target");
    if (!target || target === shown || !target.getClientRects().length) return;
    shown = target;
    target.setAttribute("tabindex", "-1");
    target.focus({ preventScroll: true });
    (target.querySelector("mark") ?? target).scrollIntoView({ block: "center" });
  };

  let isPlanned = false;
  const plan = () => {
    if (isPlanned) return;
    isPlanned = true;
    requestAnimationFrame(() => { isPlanned = false; complete(); showTarget(); });
  };

  // Puts words into one of the page's hidden boxes, as if they had been typed.
  const type = (selector, words) => {
    const box = document.querySelector(`${selector} textarea, ${selector} input`);
    if (!box) return false;
    box.value = words;
    box.dispatchEvent(new Event("input", { bubbles: true }));
    return true;
  };

  // What a row of the ledger says stands under the table, on a phone out of sight.
  document.addEventListener("click", (event) => {
    if (!event.target.closest?.("#ledger-table .body-cell")) return;
    setTimeout(() => {
      const detail = document.querySelector("#ledger-detail");
      if (detail && detail.getBoundingClientRect().top > window.innerHeight - 160) {
        detail.scrollIntoView({ block: "center" });
      }
    }, 400);
  });

  const MAX_FILE_BYTES = 10 * 2 ** 20;
  document.addEventListener("change", (event) => {
    const files = event.target.matches?.("#check-input input[type=file]") ? event.target.files : [];
    if (![...files].some((file) => file.size > MAX_FILE_BYTES)) return;
    event.stopImmediatePropagation();
    event.target.value = "";
    type("#check-refused", String(Date.now()));
  }, true);

  const showSource = (mark) => {
    const number = mark.textContent.replace(/\D/g, "");
    setTimeout(() => {
      const source = document.getElementById(`source-${number}`)?.closest(".source");
      if (!source) return;
      source.scrollIntoView({ block: "nearest" });
      source.classList.add("is-shown");
      setTimeout(() => source.classList.remove("is-shown"), 1600);
    }, 350);
  };

  const copy = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = document.createElement("textarea");
      area.value = text;
      area.style.position = "fixed";
      area.style.opacity = "0";
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
  };

  // Gradio copies a message's Markdown; a reader wants the words as they stand there, the source line among them.
  const readable = (button) => {
    const words = button.closest(".message-buttons")?.previousElementSibling?.querySelector(".message-content");
    return words ? words.innerText.replace(/\u2060/g, "").replace(/\n{3,}/g, "\n\n").trim() : "";
  };

  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a.permalink");
    if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      const query = new URL(link.href).search;
      shown = null;
      // The same link once more must count as something new.
      if (type("#jump", `${query}&t=${Date.now()}`)) event.preventDefault();
      return;
    }
    const mark = event.target.closest?.("#chat sup.cite");
    if (mark) showSource(mark);
    const button = event.target.closest?.("#chat button");
    const name = button?.getAttribute("aria-label") ?? button?.title ?? "";
    if (!button || !/复制|Copy/.test(name)) return;
    const text = readable(button);
    if (!text) return;
    event.stopImmediatePropagation();
    event.preventDefault();
    copy(text).then(() => {
      button.classList.add("is-copied");
      button.setAttribute("title", "已复制");
      setTimeout(() => { button.classList.remove("is-copied"); button.setAttribute("title", "复制回答与出处"); }, 1600);
    });
  }, true);

  document.addEventListener("click", (event) => {
    const head = event.target.closest?.("#ledger-table th");
    if (!head || event.target.closest("button")) return;
    head.querySelector(".cell-menu-button")?.click();
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    if (event.target.matches?.("#ledger-table .body-cell")) { event.preventDefault(); event.target.click(); }
    if (event.target.matches?.("#chat sup.cite")) { event.preventDefault(); event.target.click(); }
  }, true);

  document.addEventListener("DOMContentLoaded", () => {
    document.documentElement.lang = "zh-CN";
    new MutationObserver(plan).observe(document.body, {
      subtree: true, childList: true, attributes: true, attributeFilter: ["aria-label", "title", "style"],
    });
    plan();
  });
})();
