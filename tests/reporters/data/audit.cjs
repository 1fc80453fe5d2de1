// Look at pages as a browser does: node audit.cjs NODE_MODULES CHROMIUM PAGE...
// Prints, as JSON, what axe-core finds, what the console says, what is requested, and how far a page overflows.
const fs = require("fs");
const path = require("path");
const { pathToFileURL } = require("url");

const [modules, chromium, ...pages] = process.argv.slice(2);
const puppeteer = require(path.join(modules, "puppeteer-core"));
const axe = fs.readFileSync(path.join(modules, "axe-core", "axe.min.js"), "utf8");

async function look(browser, file, width, scheme) {
  const page = await browser.newPage();
  const seen = { page: path.basename(file), width, scheme, violations: [], console: [], requests: [] };
  page.on("console", (message) => seen.console.push(message.text()));
  page.on("pageerror", (error) => seen.console.push(String(error)));
  const address = pathToFileURL(file).href;
  page.on("request", (request) => {
    if (request.url() !== address && !request.url().startsWith("data:")) seen.requests.push(request.url());
  });
  await page.setViewport({ width, height: 900 });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  await page.goto(address);
  await page.evaluate(() => document.querySelectorAll("details").forEach((each) => (each.open = true)));
  seen.overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run());
  for (const { id, impact, nodes } of violations) {
    seen.violations.push(`${impact} ${id}: ${nodes.map((node) => node.target).join(", ").slice(0, 300)}`);
  }
  await page.close();
  return seen;
}

(async () => {
  const browser = await puppeteer.launch({ executablePath: chromium, headless: true, args: ["--no-sandbox"] });
  const all = [];
  for (const file of pages) {
    for (const [width, scheme] of [[1280, "light"], [400, "dark"]]) all.push(await look(browser, file, width, scheme));
  }
  await browser.close();
  console.log(JSON.stringify(all));
})();
