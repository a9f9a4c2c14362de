import type { BrowserContext, Page } from 'playwright-core';

/** GraphiQL in one window, as a person uses it. What never appears is a timeout. */
export class GraphiqlWindow {
  readonly page: Page;

  private constructor(page: Page) {
    this.page = page;
  }

  static async open(context: BrowserContext, url: string): Promise<GraphiqlWindow> {
    const page = await context.newPage();
    await page.goto(`${url}/graphql`);
    const window = new GraphiqlWindow(page);
    await window.#playButton.waitFor();
    return window;
  }

  get #playButton() {
    return this.page.getByRole('button', { name: 'Execute query' });
  }

  #tabNames(which = '') {
    return this.page.locator(`.graphiql-tab${which} .graphiql-tab-button`);
  }

  /** The names of the tabs, from left to right. */
  async tabs(): Promise<string[]> {
    return this.#tabNames().allTextContents();
  }

  async activeTab(): Promise<string | null> {
    return this.#tabNames('[aria-selected=true]').textContent();
  }

  async choose(tab: string): Promise<void> {
    await this.page.getByRole('button', { name: tab, exact: true }).click();
    // GraphiQL reads the operation a moment after it has shown it, and then writes it into the address.
    await this.page.waitForURL(({ searchParams }) => searchParams.get('query')?.includes(` ${tab} {`) ?? false);
  }

  /** Puts a text in the place of a word of the operation. */
  async replace(word: string, text: string): Promise<void> {
    await this.page.locator('.graphiql-query-editor').getByText(word).dblclick();
    await this.page.keyboard.insertText(text);
  }

  async run(): Promise<void> {
    await this.#playButton.click();
  }

  /** The answer, once it has all of this in it. */
  async answer(...contents: readonly string[]): Promise<string> {
    const shown = contents.reduce(
      (answer, hasText) => answer.filter({ hasText }),
      this.page.locator('.graphiql-response'),
    );
    await shown.waitFor();
    return (await shown.textContent()) ?? '';
  }

  /** What the browser keeps for the next visit. */
  async stored(): Promise<string> {
    return this.page.evaluate('JSON.stringify(localStorage)');
  }
}
