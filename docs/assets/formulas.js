// Arithmatex leaves formulas as \(...\) and \[...\]; KaTeX, which lies beside this file, sets them.
for (const formula of document.querySelectorAll(".arithmatex")) {
  katex.render(formula.textContent.trim().slice(2, -2), formula, { displayMode: formula.tagName === "DIV" });
}
