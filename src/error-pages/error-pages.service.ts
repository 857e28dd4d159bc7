import { Injectable } from '@nestjs/common';
import { readErrorDocument } from './error-document.js';
import { renderErrorIndex, renderErrorPage } from './error-page.js';
import { errorPageNotFound } from './error-pages.errors.js';

/** Holds the pages, which are made once: the document does not change while the service runs. */
@Injectable()
export class ErrorPagesService {
  readonly index: string;
  private readonly pages: ReadonlyMap<string, string>;

  /** @throws ErrorDocumentError, so that a deployment without the document does not start */
  constructor() {
    const document = readErrorDocument();
    this.index = renderErrorIndex(document);
    this.pages = new Map(
      document.groups.flatMap(({ entries }) => entries.map((entry) => [entry.code, renderErrorPage(entry)])),
    );
  }

  /** @throws DomainError route_not_found */
  get(code: string): string {
    const page = this.pages.get(code);
    if (page === undefined) throw errorPageNotFound();
    return page;
  }
}
