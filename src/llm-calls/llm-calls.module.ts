import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { CallLeases } from './call-leases.js';
import { LlmAttempt } from './entities/llm-attempt.entity.js';
import { LlmCallLease } from './entities/llm-call-lease.entity.js';
import { LlmCall } from './entities/llm-call.entity.js';
import { LlmCallsRepository } from './llm-calls.repository.js';
import { LlmCallsService } from './llm-calls.service.js';

@Module({
  imports: [TypeOrmModule.forFeature([LlmCall, LlmAttempt, LlmCallLease])],
  providers: [LlmCallsRepository, CallLeases, LlmCallsService],
  exports: [LlmCallsService],
})
export class LlmCallsModule {}
