// The page is complete without this: buttons that copy are only there where a script can run.
document.querySelectorAll("pre.copy").forEach(function (block) {
  var button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = "Copy";
  block.parentNode.appendChild(button);
  function tell(text) {
    button.textContent = text;
    setTimeout(function () { button.textContent = "Copy"; }, 2500);
  }
  function select() {
    var range = document.createRange();
    range.selectNodeContents(block);
    var selection = window.getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
    var copied = false;
    try { copied = document.execCommand("copy"); } catch (error) { copied = false; }
    tell(copied ? "Copied" : "Selected: press Ctrl+C");
  }
  button.addEventListener("click", function () {
    if (!navigator.clipboard) { select(); return; }
    navigator.clipboard.writeText(block.textContent).then(function () { tell("Copied"); }, select);
  });
});
