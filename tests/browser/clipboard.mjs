/** What a button puts on the clipboard: it is empty before, and asked until it is not. */
export async function copiedBy(page, button) {
  await page.evaluate(() => navigator.clipboard.writeText(""));
  await page.click(button);
  const text = await page.waitForFunction(() => navigator.clipboard.readText());
  return text.jsonValue();
}
