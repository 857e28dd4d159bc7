import { isObject } from '../common/json-object.js';
import { findOtherField, isAbsent, isBase64, isText, quote } from './json-checks.js';

/** Roles of messages, as OpenAI names them. */
export const ROLES = ['system', 'developer', 'user', 'assistant', 'tool'] as const;
export type Role = (typeof ROLES)[number];

export const IMAGE_DETAILS = ['auto', 'low', 'high'] as const;
export const AUDIO_FORMATS = ['wav', 'mp3'] as const;

/** A longer address is no address; a picture in the text itself may be as long as the body. */
const MAX_URL_LENGTH = 8_192;

const IMAGE_DATA_PREFIX = /^data:image\/(?:png|jpeg|gif|webp);base64,/;
const PREFIX_LENGTH = 32;

const PARTS_OF_ROLE: Readonly<Record<Role, readonly string[]>> = {
  system: ['text'],
  developer: ['text'],
  user: ['text', 'image_url', 'input_audio'],
  assistant: ['text', 'refusal'],
  tool: ['text'],
};

/** Parts of OpenAI's API that are known and refused. */
const REFUSED_PARTS: ReadonlyMap<string, string> = new Map([
  ['file', 'a file is kept or read by one provider only: send its text, or its pages as images'],
  ['thinking', 'send the reasoning of an earlier answer as reasoning_content of the message'],
  ['tool_result', 'send the result of a tool as a message of the role tool'],
]);

const TEXT_FIELDS: ReadonlySet<string> = new Set(['type', 'text']);
const REFUSAL_FIELDS: ReadonlySet<string> = new Set(['type', 'refusal']);
const IMAGE_FIELDS: ReadonlySet<string> = new Set(['type', 'image_url']);
const IMAGE_URL_FIELDS: ReadonlySet<string> = new Set(['url', 'detail']);
const AUDIO_FIELDS: ReadonlySet<string> = new Set(['type', 'input_audio']);
const INPUT_AUDIO_FIELDS: ReadonlySet<string> = new Set(['data', 'format']);

/** What is wrong with the content of a message, beginning at the message; null if nothing is. */
export function findContentProblem(content: unknown, role: Role): string | null {
  if (typeof content === 'string') return content.isWellFormed() ? null : '.content holds broken Unicode';
  if (!Array.isArray(content) || content.length === 0) {
    return `.content must be text or an array of parts (${PARTS_OF_ROLE[role].join(', ')})`;
  }
  for (let index = 0; index < content.length; index += 1) {
    const problem = findPartProblem(content[index], role);
    if (problem !== null) return `.content.${String(index)}${problem}`;
  }
  return null;
}

function findPartProblem(part: unknown, role: Role): string | null {
  if (!isObject(part)) return ' must be an object such as {"type": "text", "text": "…"}';
  const { type } = part;
  if (typeof type !== 'string') return '.type must be text';
  const reason = REFUSED_PARTS.get(type);
  if (reason !== undefined) return `.type ${quote(type)} is refused: ${reason}`;
  if (!PARTS_OF_ROLE[role].includes(type)) {
    return `.type must be one of ${PARTS_OF_ROLE[role].join(', ')} in a message of the role ${role}`;
  }
  switch (type) {
    case 'image_url':
      return findImageProblem(part);
    case 'input_audio':
      return findAudioProblem(part);
    case 'refusal':
      return isWhole(part, REFUSAL_FIELDS) && isText(part['refusal'])
        ? null
        : ' must be {"type": "refusal", "refusal": "…"}';
    default:
      return isWhole(part, TEXT_FIELDS) && isText(part['text'])
        ? null
        : ' must be {"type": "text", "text": "…"}';
  }
}

function findImageProblem(part: Record<string, unknown>): string | null {
  const { image_url: image } = part;
  if (!isWhole(part, IMAGE_FIELDS) || !isObject(image)) {
    return ' must be {"type": "image_url", "image_url": {"url": "…"}}';
  }
  const other = findOtherField(image, IMAGE_URL_FIELDS);
  if (other !== null) return `.image_url.${other} is not a field of an image`;
  const { url, detail } = image;
  if (typeof url !== 'string' || !isImageUrl(url)) {
    return '.image_url.url must be an http:// or https:// URL, or data:image/png, jpeg, gif or webp in base64';
  }
  if (!isAbsent(detail) && !(IMAGE_DETAILS as readonly unknown[]).includes(detail)) {
    return `.image_url.detail must be one of ${IMAGE_DETAILS.join(', ')}`;
  }
  return null;
}

function isImageUrl(url: string): boolean {
  const prefix = IMAGE_DATA_PREFIX.exec(url.slice(0, PREFIX_LENGTH))?.[0];
  if (prefix !== undefined) return isBase64(url, prefix.length);
  return url.length <= MAX_URL_LENGTH && /^https?:\/\//i.test(url) && isText(url) && URL.canParse(url);
}

function findAudioProblem(part: Record<string, unknown>): string | null {
  const { input_audio: audio } = part;
  if (!isWhole(part, AUDIO_FIELDS) || !isObject(audio)) {
    return ' must be {"type": "input_audio", "input_audio": {"data": "…", "format": "wav"}}';
  }
  const other = findOtherField(audio, INPUT_AUDIO_FIELDS);
  if (other !== null) return `.input_audio.${other} is not a field of a sound`;
  if (typeof audio['data'] !== 'string' || !isBase64(audio['data'])) {
    return '.input_audio.data must be base64';
  }
  if (!(AUDIO_FORMATS as readonly unknown[]).includes(audio['format'])) {
    return `.input_audio.format must be one of ${AUDIO_FORMATS.join(', ')}`;
  }
  return null;
}

function isWhole(part: Record<string, unknown>, fields: ReadonlySet<string>): boolean {
  return findOtherField(part, fields) === null;
}
