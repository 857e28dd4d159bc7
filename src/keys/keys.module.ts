import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { VirtualKey } from './entities/virtual-key.entity.js';
import { KeysRepository } from './keys.repository.js';
import { KeysService } from './keys.service.js';

@Module({
  imports: [TypeOrmModule.forFeature([VirtualKey])],
  providers: [KeysRepository, KeysService],
  exports: [KeysService],
})
export class KeysModule {}
