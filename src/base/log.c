#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static enum log_level threshold = LOG_LEVEL_INFO;

void log_set_level(enum log_level level)
{
	threshold = level;
}

__attribute__((format(printf, 3, 0)))
static void write_line(enum log_level level, const char *event, const char *fmt, va_list args)
{
	static const char *const names[] = { "error", "warning", "info", "debug" };
	char line[1024];
	int len = snprintf(line, sizeof(line), "%s level=%s ", event, names[level]);

	len += vsnprintf(line + len, sizeof(line) - (size_t)len, fmt, args);
	if (len > (int)sizeof(line) - 2)
		len = (int)sizeof(line) - 2;
	for (int i = 0; i < len; i++) {
		unsigned char c = (unsigned char)line[i];

		if (c < 0x20 || c == 0x7f)
			line[i] = '?';
	}
	line[len++] = '\n';
	/* Standard error that is gone is no reason to stop. */
	if (write(STDERR_FILENO, line, (size_t)len) < 0)
		return;
}

void log_write(enum log_level level, const char *event, const char *fmt, ...)
{
	va_list args;

	if (level > threshold)
		return;
	va_start(args, fmt);
	write_line(level, event, fmt, args);
	va_end(args);
}

void log_record(const char *event, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	write_line(LOG_LEVEL_INFO, event, fmt, args);
	va_end(args);
}
