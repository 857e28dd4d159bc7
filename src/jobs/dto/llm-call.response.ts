import { ApiProperty } from '@nestjs/swagger';
import type { CallAnswer } from '../job-calls.service.js';

export class ChatAnswerResponse {
  @ApiProperty({ type: String, nullable: true, example: 'Open the login page and choose "Forgot password".' })
  content!: string | null;

  @ApiProperty({ type: String, example: 'assistant' })
  role!: string;

  @ApiProperty({ type: String, nullable: true, example: 'stop' })
  finish_reason!: string | null;
}

export class CallMetadataResponse {
  @ApiProperty({ type: 'integer', example: 57 })
  tokens_used!: number;

  @ApiProperty({ type: 'integer', example: 24 })
  prompt_tokens!: number;

  @ApiProperty({ type: 'integer', example: 33 })
  completion_tokens!: number;

  @ApiProperty({ type: 'integer', description: 'Milliseconds', example: 842 })
  latency_ms!: number;

  @ApiProperty({ type: String, example: 'ChatFast' })
  model_group!: string;
}

export class LlmCallResponse {
  @ApiProperty({ type: String, format: 'uuid', example: '019ab1c2-7d2e-7c3a-9f00-2b1f6f0c9d12' })
  call_id!: string;

  @ApiProperty({ type: ChatAnswerResponse })
  response!: ChatAnswerResponse;

  @ApiProperty({ type: CallMetadataResponse })
  metadata!: CallMetadataResponse;
}

export function toLlmCallResponse({ callId, answer, totals, modelGroup }: CallAnswer): LlmCallResponse {
  const choice = answer.choices[0];
  if (choice === undefined) throw new Error('An answer has at least one choice.');
  return {
    call_id: callId,
    response: { ...choice.message, finish_reason: choice.finish_reason },
    metadata: {
      tokens_used: totals.totalTokens,
      prompt_tokens: totals.promptTokens,
      completion_tokens: totals.completionTokens,
      latency_ms: totals.latencyMs,
      model_group: modelGroup,
    },
  };
}
