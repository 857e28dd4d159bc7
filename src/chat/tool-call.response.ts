import { ApiProperty } from '@nestjs/swagger';

class CalledFunctionResponse {
  @ApiProperty({ type: String, example: 'get_weather' })
  name!: string;

  @ApiProperty({
    type: String,
    description: 'JSON as the model wrote it; it may be broken',
    example: '{"city":"Paris"}',
  })
  arguments!: string;
}

export class ToolCallResponse {
  @ApiProperty({
    type: String,
    description: 'To be sent back with what the tool found',
    example: 'k3J9dQ2xZ',
  })
  id!: string;

  @ApiProperty({ type: String, enum: ['function'], example: 'function' })
  type!: 'function';

  @ApiProperty({ type: CalledFunctionResponse })
  function!: CalledFunctionResponse;
}
