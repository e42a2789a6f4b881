/** The look as a sheet that shadow roots adopt, so that no page has to allow inline styles. */

import text from "./style.css?inline";

const sheets = new WeakMap<Document, CSSStyleSheet>();

/** The sheet for elements of a document: one for all of them. */
export function styleSheet(page: Document): CSSStyleSheet {
  let sheet = sheets.get(page);
  if (sheet === undefined) {
    sheet = new (page.defaultView ?? window).CSSStyleSheet();
    sheet.replaceSync(text);
    sheets.set(page, sheet);
  }
  return sheet;
}
