import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional, IsString } from 'class-validator';
import { type DomainError, type FieldError, validationFailed } from '../../common/domain-error.js';
import { type Interval, monthOf, nextDay, parseDay, parseMonth } from '../../common/time.js';

export class UsageQuery {
  @ApiPropertyOptional({
    type: String,
    pattern: '^[0-9]{4}-(0[1-9]|1[0-2])$',
    description: 'A UTC month; the current one when nothing is given',
    example: '2026-11',
  })
  @IsOptional()
  @IsString()
  period?: string;

  @ApiPropertyOptional({
    type: String,
    format: 'date',
    description: 'First UTC day; goes with end_date, instead of period',
    example: '2026-11-01',
  })
  @IsOptional()
  @IsString()
  start_date?: string;

  @ApiPropertyOptional({
    type: String,
    format: 'date',
    description: 'Last UTC day, inclusive',
    example: '2026-11-30',
  })
  @IsOptional()
  @IsString()
  end_date?: string;
}

/** A period with the name that the answer gives it. */
export interface NamedPeriod extends Interval {
  readonly name: string;
}

/** @throws DomainError validation_failed naming each field that is not usable */
export function toPeriod(query: UsageQuery, now: Date): NamedPeriod {
  const { period, start_date: startDate, end_date: endDate } = query;
  if (startDate === undefined && endDate === undefined) return toMonth(period ?? monthOf(now));
  if (period !== undefined) {
    throw validationFailed([
      {
        field: 'period',
        code: 'ambiguous_period',
        message: 'period does not go with start_date and end_date',
      },
    ]);
  }
  const from = startDate === undefined ? null : parseDay(startDate);
  const last = endDate === undefined ? null : parseDay(endDate);
  const errors: FieldError[] = [];
  if (from === null) errors.push(invalidDay('start_date'));
  if (last === null) errors.push(invalidDay('end_date'));
  if (from === null || last === null) throw validationFailed(errors);
  if (last < from) {
    throw validationFailed([
      { field: 'end_date', code: 'invalid_period', message: 'end_date must not be before start_date' },
    ]);
  }
  return { name: `${String(startDate)}/${String(endDate)}`, from, to: nextDay(last) };
}

export function invalidMonth(): DomainError {
  return validationFailed([
    { field: 'period', code: 'invalid_period', message: 'period must be a month such as 2026-11' },
  ]);
}

function toMonth(period: string): NamedPeriod {
  const month = parseMonth(period);
  if (month === null) throw invalidMonth();
  return { name: period, ...month };
}

function invalidDay(field: string): FieldError {
  return { field, code: 'invalid_date', message: `${field} must be a day such as 2026-11-24` };
}
