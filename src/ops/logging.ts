import { LoggerModule } from 'nestjs-pino';

/** JSON lines on stdout. The money routes write their own line a call; what could hold a secret or a token never leaves. */
export const logging = (level: string) =>
  LoggerModule.forRoot({
    pinoHttp: {
      level,
      autoLogging: false,
      base: { service: 'croupier' },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label: string) => ({ level: label }) },
      redact: {
        paths: ['*.authorization', '*.secret', '*.secrets', '*.sessionToken', '*.password', '*.headers', 'req.headers'],
        censor: '[redacted]',
      },
    },
    // No middleware: a logger of each request's own would cost every bet, and lines that need a request id name it.
    forRoutes: [],
  });
