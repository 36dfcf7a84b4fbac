// Looks at pages in headless Chromium: no request beyond the page, no violation of axe-core in light and dark, and pictures to look at.
// Usage: node scripts/pages.mjs OUT-FOLDER PAGE.html...
import { createRequire } from "node:module";
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

const require = createRequire(path.resolve("target/tools/pages/package.json"));
const { chromium } = require("playwright-core");
const axe = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const [out, ...pages] = process.argv.slice(2);
fs.mkdirSync(out, { recursive: true });
const profile = fs.mkdtempSync(path.join(out, "profile-"));
const context = async (dark, width) =>
  chromium.launchPersistentContext(path.join(profile, `${dark}-${width}`), {
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync", "--host-resolver-rules=MAP * ~NOTFOUND",
    ],
    colorScheme: dark ? "dark" : "light",
    viewport: { width, height: 900 },
  });

let wrong = 0;
const complain = (text) => {
  wrong += 1;
  console.log(`  WRONG: ${text}`);
};
for (const width of [1200, 360]) {
  for (const dark of [false, true]) {
    const browser = await context(dark, width);
    for (const file of pages) {
      const name = path.basename(file, ".html");
      const page = await browser.newPage();
      const asked = [];
      page.on("request", (r) => asked.push(r.url()));
      page.on("console", (m) => m.type() === "error" && complain(`${name}: ${m.text()}`));
      page.on("dialog", (d) => (complain(`${name}: a dialog: ${d.message()}`), d.dismiss()));
      const address = pathToFileURL(path.resolve(file)).href;
      await page.goto(address);
      const others = asked.filter((a) => a !== address && !a.startsWith("data:"));
      if (others.length) complain(`${name} asks for ${others.join(", ")}`);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      if (wide > 0) complain(`${name} is ${wide} px wider than ${width}`);
      // A player plays when asked to, and the page's policy lets it.
      const plays = await page.evaluate(async () => {
        const audio = document.querySelector("audio");
        if (!audio) return true;
        const ready = new Promise((done) => ["loadedmetadata", "error"].forEach((e) => audio.addEventListener(e, () => done(e))));
        audio.preload = "metadata";
        audio.load();
        return (await ready) === "loadedmetadata" && audio.duration > 0;
      });
      if (!plays) complain(`${name}: its recording does not play`);
      // By the protocol of the debugger, which a page's policy does not bind. Everything that opens is looked at too.
      await page.evaluate(() => document.querySelectorAll("details").forEach((d) => d.setAttribute("open", "")));
      await page.evaluate(axe);
      const found = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
      for (const v of found.violations) {
        complain(`${name}, ${width} px, ${dark ? "dark" : "light"}: ${v.id}: ${v.help} (${v.nodes.length}): ${v.nodes[0].html.slice(0, 160)}`);
      }
      await page.evaluate(() => document.querySelectorAll("details").forEach((d) => d.removeAttribute("open")));
      const picture = path.join(out, `${name}-${width}-${dark ? "dark" : "light"}.png`);
      await page.screenshot({ path: picture, fullPage: true });
      console.log(`${picture}: ${found.violations.length} violations of ${found.testEngine.name} ${found.testEngine.version}`);
      await page.close();
    }
    await browser.close();
  }
}
fs.rmSync(profile, { recursive: true, force: true });
console.log(wrong ? `${wrong} things are wrong` : "all pages keep the rules");
process.exit(wrong ? 1 : 0);
