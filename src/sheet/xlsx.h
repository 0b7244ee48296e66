#ifndef SHEET_XLSX_H
#define SHEET_XLSX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <expat.h>
#include <zip.h>

#include "base/buf.h"

/* An .xlsx file is a zip of XML parts; what of them the rows rest on. */
struct sheet;

enum {
	XLSX_SHARED_BYTES_MAX = 512 << 20,
	XLSX_STYLES_MAX = 65536,
	XLSX_PART_MAX_MIB = 8192                 /* unpacked: no list of people is larger */
};

/* One part, unpacked piece by piece into expat. */
struct xlsx_part {
	struct sheet *sheet;
	zip_file_t   *file;
	XML_Parser    parser;
	uint64_t      done, total;
	bool          stopped;                   /* by a fault that is told already */
};

/* NULL in `names` ends. False: a fault, told; or there is no such part (`*missing`). */
bool xlsx_part_open(struct xlsx_part *part, struct sheet *sheet, zip_t *zip, const char *name, bool *missing);
/* Feeds a piece; false at the end or after a fault. */
bool xlsx_part_feed(struct xlsx_part *part);
void xlsx_part_close(struct xlsx_part *part);
/* From inside a handler: nothing more is parsed. */
void xlsx_part_stop(struct xlsx_part *part, const char *en, const char *vi);

/* Local name of an element or attribute: expat gives "<namespace>|<name>". */
const char *xlsx_local(const char *name);
/* Value of an attribute of that local name, or NULL. */
const char *xlsx_attribute(const XML_Char **attributes, const char *name);

struct xlsx_book {
	char      path[512];                     /* of the first sheet's part */
	bool      dates_from_1904;
	/* texts that cells share */
	struct buf shared;
	size_t   *offsets;
	size_t    nshared, shared_cap;
	/* by number of the cell's style: is it shown as a day */
	bool     *is_date;
	size_t    nstyles;
};
/* Reads all but the rows. */
bool xlsx_book_read(struct xlsx_book *book, struct sheet *sheet, zip_t *zip);
void xlsx_book_release(struct xlsx_book *book);

/* What a number in a cell is to a person. False: it is none. */
enum { XLSX_NUMBER_SIZE = 32 };
bool xlsx_number_text(const char *raw, bool is_date, bool from_1904, char out[XLSX_NUMBER_SIZE]);

#endif
