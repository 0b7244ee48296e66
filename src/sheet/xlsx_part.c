#include <string.h>

#include "base/error.h"
#include "sheet/private.h"
#include "sheet/xlsx.h"

const char *xlsx_local(const char *name)
{
	const char *bar = strrchr(name, '|');

	return bar ? bar + 1 : name;
}

const char *xlsx_attribute(const XML_Char **attributes, const char *name)
{
	for (; attributes[0]; attributes += 2)
		if (strcmp(xlsx_local(attributes[0]), name) == 0)
			return attributes[1];
	return NULL;
}

void xlsx_part_stop(struct xlsx_part *part, const char *en, const char *vi)
{
	part->stopped = true;
	sheet_fail(part->sheet, en, vi);
	XML_StopParser(part->parser, XML_FALSE);
}

/* A spreadsheet has no document type; one with entities is an attack. */
static void on_doctype(void *owner, const XML_Char *name, const XML_Char *system, const XML_Char *public, int internal)
{
	(void)name, (void)system, (void)public, (void)internal;
	xlsx_part_stop(owner, "This is no spreadsheet: its XML declares a document type.",
		       "Đây không phải bảng tính: XML có khai báo kiểu tài liệu.");
}

static bool fail_broken(struct xlsx_part *part)
{
	part->stopped = true;
	return sheet_fail(part->sheet, "The .xlsx file is damaged; save it again.", "Tệp .xlsx bị hỏng; hãy lưu lại.");
}

bool xlsx_part_open(struct xlsx_part *part, struct sheet *sheet, zip_t *zip, const char *name, bool *missing)
{
	zip_stat_t about;

	*part = (struct xlsx_part){ .sheet = sheet };
	*missing = zip_stat(zip, name, 0, &about) != 0;
	if (*missing)
		return false;
	if (!(about.valid & ZIP_STAT_SIZE) || about.size >> 20 > XLSX_PART_MAX_MIB)
		return fail_broken(part);
	part->total = about.size;
	part->file = zip_fopen(zip, name, 0);
	if (!part->file)
		return fail_broken(part);
	part->parser = XML_ParserCreateNS(NULL, '|');
	if (!part->parser)
		return fail_broken(part);
	XML_SetUserData(part->parser, part);
	XML_SetStartDoctypeDeclHandler(part->parser, on_doctype);
	return true;
}

bool xlsx_part_feed(struct xlsx_part *part)
{
	char piece[PIECE_BYTES];
	zip_int64_t got = zip_fread(part->file, piece, sizeof(piece));
	enum XML_Status status;

	if (got < 0)
		return fail_broken(part);
	part->done += (uint64_t)got;
	if (part->done > part->total)            /* the directory of the zip lied */
		return fail_broken(part);
	status = XML_Parse(part->parser, piece, (int)got, got == 0);
	if (part->stopped)
		return false;
	if (status != XML_STATUS_OK)
		return fail_broken(part);
	return got > 0;
}

void xlsx_part_close(struct xlsx_part *part)
{
	if (part->parser)
		XML_ParserFree(part->parser);
	if (part->file)
		zip_fclose(part->file);
	part->parser = NULL;
	part->file = NULL;
}
