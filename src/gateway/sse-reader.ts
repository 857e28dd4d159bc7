import { createParser, type EventSourceParser } from 'eventsource-parser';

export class FrameTooLargeError extends Error {
  constructor(maxFrameBytes: number) {
    super(`A frame is larger than ${String(maxFrameBytes)} bytes.`);
    this.name = 'FrameTooLargeError';
  }
}

/** Puts the frames of one event stream together from the bytes that come in, wherever they were cut. */
export class SseReader {
  /** Holds back the first bytes of a character until the others come; takes a byte order mark off. */
  private readonly decoder = new TextDecoder();
  private readonly parser: EventSourceParser;
  private frames: string[] = [];
  private isTooLarge = false;

  /** @param maxFrameBytes counted in characters, which are never more than the bytes */
  constructor(private readonly maxFrameBytes: number) {
    this.parser = createParser({
      maxBufferSize: maxFrameBytes,
      onEvent: ({ data }) => {
        // The parser's own bound is for what it holds back; a frame that comes in one piece passes it.
        if (data.length > maxFrameBytes) this.isTooLarge = true;
        else this.frames.push(data);
      },
      onError: ({ type }) => {
        // Fields that the standard does not know are skipped, as the standard says.
        if (type === 'max-buffer-size-exceeded') this.isTooLarge = true;
      },
    });
  }

  /**
   * @returns the data of every frame that is complete now; comments are none
   * @throws FrameTooLargeError
   */
  feed(bytes: Uint8Array): readonly string[] {
    return this.parse(this.decoder.decode(bytes, { stream: true }));
  }

  /** At the end of the stream: what was still missing its empty line. */
  flush(): readonly string[] {
    return this.parse(`${this.decoder.decode()}\n\n`);
  }

  private parse(text: string): readonly string[] {
    this.parser.feed(text);
    if (this.isTooLarge) throw new FrameTooLargeError(this.maxFrameBytes);
    const { frames } = this;
    if (frames.length > 0) this.frames = [];
    return frames;
  }
}
