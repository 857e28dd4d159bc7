import { ApiProperty } from '@nestjs/swagger';
import { IsIn } from 'class-validator';
import { LowerCase } from '../../common/validators.js';
import { ConversionRatesRequest } from '../budget-terms.request.js';
import { BUDGET_MODES, type BudgetMode } from '../budgets.types.js';

export class BudgetModeRequest extends ConversionRatesRequest {
  @ApiProperty({
    type: String,
    enum: BUDGET_MODES,
    description: 'What a credit buys: a job, cost, or tokens',
    example: 'consumption_usd',
  })
  @LowerCase()
  @IsIn(BUDGET_MODES)
  budget_mode!: BudgetMode;
}
