/** What pages and servers say is taken apart, or refused in words that help. */

import { expect, test } from "vitest";
import { UsageError } from "../../src/format/errors.ts";
import { parseAddress, websocketAddress } from "../../src/source/address.ts";

const PAGE = "https://page.example/watch/index.html?x=1#top";

test.each([
  ["http://h:81/dir/steak.lfv", "http", "http://h:81", "/dir/steak.lfv", "steak"],
  ["HTTP://H/steak", "http", "http://h", "/steak", "steak"],
  ["https://h:443/x.lfv", "https", "https://h", "/x.lfv", "x"],
  ["ws://h:8090/x.lfv", "ws", "ws://h:8090", "/x.lfv", "x"],
  ["wss://[::1]/x.lfv", "wss", "wss://[::1]", "/x.lfv", "x"],
  ["ws://h/caf%C3%A9%20noir.lfv", "ws", "ws://h", "/caf%C3%A9%20noir.lfv", "café noir"],
  ["ws://h/café.lfv", "ws", "ws://h", "/caf%C3%A9.lfv", "café"],
  ["http://bücher.example/x.lfv", "http", "http://xn--bcher-kva.example", "/x.lfv", "x"],
  ["steak.lfv", "https", "https://page.example", "/watch/steak.lfv", "steak"],
  ["/steak.lfv", "https", "https://page.example", "/steak.lfv", "steak"],
  ["//cdn.example/steak.lfv", "https", "https://cdn.example", "/steak.lfv", "steak"],
])("%s is taken apart", (text, kind, origin, path, show) => {
  const address = parseAddress(text, PAGE);
  expect(address).toEqual({ kind, origin, url: origin + path, text: origin + path, show, token: "" });
  expect(parseAddress(new URL(text, PAGE))).toEqual(address);
});

test.each([
  ["", "no show is named"],
  [`http://h/${"x".repeat(5000)}`, "no show is named"],
  ["steak.lfv", "is no address"],
  ["http://", "is no address"],
  ["http://[::1/x.lfv", "is no address"],
  ["http://h:70000/x.lfv", "is no address"],
  ["ftp://h/x.lfv", "reached by 'ftp'"],
  ["file:///x.lfv", "reached by 'file'"],
  ["javascript:alert(1)", "reached by 'javascript'"],
  ["blob:https://h/x.lfv", "reached by 'blob'"],
  ["ws://h", "names no show"],
  ["ws://h/dir/", "names no show"],
  ["ws://h/.lfv", "names no show"],
  ["ws://h/a%2Fb.lfv", "names no show"],
  ["ws://h/a%0Ab.lfv", "names no show"],
  ["ws://h/a%FF.lfv", "names no show"],
  ["ws://user:secret@h/x.lfv", "has a user or password"],
  ["ws://h/x.lfv#t=3", "has a '#'"],
])("%s is refused with a mend", (text, says) => {
  expect(() => parseAddress(text)).toThrow(UsageError);
  expect(() => parseAddress(text)).toThrow(says);
  expect(() => parseAddress(text)).toThrow(/;/);
  expect(() => parseAddress(text)).not.toThrow(/secret/);
});

test("a token is taken out of the query and never shown", () => {
  const address = parseAddress("http://h/x.lfv?token=s%20cret&size=2");
  expect(address).toMatchObject({ token: "s cret", url: "http://h/x.lfv?size=2", text: "http://h/x.lfv" });
  expect(parseAddress("http://h/x.lfv?token=t")).toMatchObject({ token: "t", url: "http://h/x.lfv" });
});

test("a signed query is sent to the letter and not shown", () => {
  const address = parseAddress("https://cdn/x.lfv?Expires=5&Signature=a+b%2F~c==&Key-Pair-Id=K");
  expect(address.url).toBe("https://cdn/x.lfv?Expires=5&Signature=a+b%2F~c==&Key-Pair-Id=K");
  expect(address.text).toBe("https://cdn/x.lfv");
});

test("the same server's sessions are at the same path", () => {
  const address = parseAddress("https://h:8443/dir/http.lfv?a=http&token=t");
  expect(websocketAddress(address)).toEqual({
    kind: "wss",
    origin: "wss://h:8443",
    url: "wss://h:8443/dir/http.lfv?a=http",
    text: "wss://h:8443/dir/http.lfv",
    show: "http",
    token: "t",
  });
  expect(websocketAddress(parseAddress("http://h/x"))).toMatchObject({ kind: "ws", url: "ws://h/x" });
});
