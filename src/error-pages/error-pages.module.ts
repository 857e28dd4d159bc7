import { Module } from '@nestjs/common';
import { ErrorPagesController } from './error-pages.controller.js';
import { ErrorPagesService } from './error-pages.service.js';

@Module({ controllers: [ErrorPagesController], providers: [ErrorPagesService] })
export class ErrorPagesModule {}
