import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { CallLeases } from './call-leases.js';
import { LlmAttempt } from './entities/llm-attempt.entity.js';
import { LlmCallLease } from './entities/llm-call-lease.entity.js';
import { LlmCallMessages } from './entities/llm-call-messages.entity.js';
import { LlmCall } from './entities/llm-call.entity.js';
import { LlmCallsRepository } from './llm-calls.repository.js';
import { LlmCallsService } from './llm-calls.service.js';
import { MessagesSweepService } from './messages-sweep.service.js';
import { StoredMessagesRepository } from './stored-messages.repository.js';
import { StoredMessagesService } from './stored-messages.service.js';

@Module({
  imports: [TypeOrmModule.forFeature([LlmCall, LlmAttempt, LlmCallLease, LlmCallMessages])],
  providers: [
    LlmCallsRepository,
    CallLeases,
    LlmCallsService,
    StoredMessagesRepository,
    StoredMessagesService,
    MessagesSweepService,
  ],
  exports: [LlmCallsService],
})
export class LlmCallsModule {}
