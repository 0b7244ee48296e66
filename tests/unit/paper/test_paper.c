/* Certificates on paper: the forms, the code read back by another program, and the words with their marks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "paper/bundle.h"
#include "paper/list.h"
#include "paper/paper.h"
#include "paper/qr.h"

static char dir[64];
static struct arena arena;

/* As long as an envelope, with each character of the alphabet, and with blanks that must not get lost. */
static const char code_text[] =
	"GH1:  0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./: 0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
	"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
	"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:0123456789ABCDEFGHIJKLMNO";

static int up(void **state)
{
	(void)state;
	arena_init(&arena);
	strcpy(dir, "/tmp/giothong-paper-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int down(void **state)
{
	char command[96];

	(void)state;
	arena_release(&arena);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

static struct certificate_content content_of(const char *name)
{
	return (struct certificate_content){
		.number = { "LC", 2026, 123 }, .code = "7K2M-0QXD-AF4R", .name = name,
		.address = "Bản Nà Ún, xã Khổng Lào, tỉnh Lai Châu", .birth_date = { 1990, 2, 3 }, .volume_ml = 350,
		.donated_on = { 2026, 3, 12 }, .issued_on = { 2026, 3, 12 }, .place = "Nhà văn hóa xã Mường Than",
		.issuer = "Ban Chỉ đạo vận động hiến máu tình nguyện tỉnh Lai Châu", .issuer_place = "Lai Châu",
		.signer = "Trưởng ban",
	};
}

static struct form builtin(enum form_kind kind)
{
	struct error err = { 0 };
	struct form form;

	assert_true(form_parse(form_builtin(kind), &form, &err));
	return form;
}

static struct paper *make(void)
{
	struct error err = { 0 };
	struct paper *paper = paper_new(&err);

	assert_non_null(paper);
	return paper;
}

static void add(struct paper *paper, enum form_kind kind, const char *name, bool copy)
{
	const struct certificate_content content = content_of(name);
	const char *words[CERTIFICATE_FIELD_COUNT];
	const struct form form = builtin(kind);
	struct error err = { 0 };

	certificate_words(&content, copy, &arena, words);
	assert_true(paper_add(paper, &form, words, code_text, &err));
}

static void finish(struct paper *paper)
{
	struct error err = { 0 };
	struct buf out = { 0 };
	char path[96];

	assert_true(paper_finish(paper, &out, &err));
	paper_free(paper);
	assert_memory_equal(out.data, "%PDF-", 5);
	snprintf(path, sizeof(path), "%s/paper.pdf", dir);
	FILE *file = fopen(path, "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(out.data, 1, out.len, file), out.len);
	assert_int_equal(fclose(file), 0);
	buf_release(&out);
}

/* What a command in `dir` prints. */
static char *output_of(const char *command)
{
	char line[256];
	char *text = arena_alloc(&arena, 100000);

	snprintf(line, sizeof(line), "cd %s && %s", dir, command);
	FILE *pipe = popen(line, "r");

	assert_non_null(pipe);
	text[fread(text, 1, 99999, pipe)] = '\0';
	assert_int_equal(pclose(pipe), 0);
	return text;
}

static void expect(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in: %s", part, text);
}

static void test_whole_certificate(void **state)
{
	struct paper *paper = make();

	(void)state;
	add(paper, FORM_WHOLE, "Đèo Thị Ngưỡng", false);
	finish(paper);
	const char *text = output_of("pdftotext -layout paper.pdf -");

	expect(text, "GIẤY CHỨNG NHẬN HIẾN MÁU TÌNH NGUYỆN");
	expect(text, "Độc lập - Tự do - Hạnh phúc");
	expect(text, "Số: LC26-000123-B");
	expect(text, "Đèo Thị Ngưỡng");
	expect(text, "03/02/1990");
	expect(text, "Bản Nà Ún, xã Khổng Lào, tỉnh Lai Châu");
	expect(text, "350 ml máu toàn phần");
	expect(text, "12/03/2026");
	expect(text, "Lai Châu, ngày 12 tháng 03 năm 2026");
	expect(text, "7K2M-0QXD-AF4R");
	assert_null(strstr(text, "BẢN SAO"));
	expect(output_of("pdfinfo paper.pdf"), "Pages:           1\n");
	expect(output_of("pdfinfo paper.pdf"), "595.276 x 419.528 pts");
	assert_string_equal(output_of("pdftoppm -r 150 -gray paper.pdf page && zbarimg -q --raw page-1.pgm 2>/dev/null"),
			    arena_printf(&arena, "%s\n", code_text));
}

static void test_copy_on_a_printed_form(void **state)
{
	struct paper *paper = make();

	(void)state;
	add(paper, FORM_PREPRINTED, "Lò Thị Mây", true);
	add(paper, FORM_PREPRINTED, "Vàng A Sùng", false);
	finish(paper);
	const char *first = output_of("pdftotext -l 1 -layout paper.pdf -");
	const char *second = output_of("pdftotext -f 2 -layout paper.pdf -");

	expect(first, "BẢN SAO");
	expect(first, "Lò Thị Mây");
	expect(first, "LC26-000123-B");
	expect(second, "Vàng A Sùng");
	/* What the form has already is not printed again. */
	assert_null(strstr(first, "GIẤY CHỨNG NHẬN"));
	assert_null(strstr(first, "Sinh ngày"));
	assert_null(strstr(second, "BẢN SAO"));
}

/* The longest name there may be becomes small, not cut and not two lines. */
static void test_long_name(void **state)
{
	struct paper *paper = make();
	char name[600] = "";

	(void)state;
	for (int i = 0; i < 12; i++)
		strcat(name, "Nguyễn Hữu ");
	add(paper, FORM_WHOLE, name, false);
	finish(paper);
	expect(output_of("pdftotext -layout paper.pdf -"), "Nguyễn Hữu Nguyễn Hữu Nguyễn Hữu Nguyễn Hữu Nguyễn Hữu");
}

static void write_file(const char *name, struct buf *bytes)
{
	FILE *file = fopen(arena_printf(&arena, "%s/%s", dir, name), "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes->data, 1, bytes->len, file), bytes->len);
	assert_int_equal(fclose(file), 0);
	buf_release(bytes);
}

static int times_in(const char *text, const char *part)
{
	int times = 0;

	for (const char *at = text; (at = strstr(at, part)) != NULL; at++)
		times++;
	return times;
}

/* Heads on each page, pages counted, and what is too long for its cell takes no page of its own. */
static void test_lists(void **state)
{
	static const char *const heads[] = { "STT", "Họ và tên", "Ghi chú" };
	static const int shares[] = { 1, 4, 5 };
	enum { ROWS = 60 };
	const char *cells[ROWS * ARRAY_SIZE(heads)] = { 0 };
	struct paper_list list = { .title = "DANH SÁCH TÔN VINH", .note = "Ngày 12/03/2026", .page_word = "Trang", .heads = heads,
				   .shares = shares, .ncolumns = ARRAY_SIZE(heads), .cells = cells, .nrows = ROWS };
	struct error err = { 0 };
	struct buf out = { 0 }, much = { 0 };

	(void)state;
	for (int i = 0; i < ROWS; i++) {
		cells[3 * i] = arena_printf(&arena, "%d", i + 1);
		cells[3 * i + 1] = arena_printf(&arena, "Đèo Thị Ngưỡng %d", i);
	}
	for (int i = 0; i < 200; i++)
		buf_append_text(&much, "chữ dài ");
	cells[3 * 7 + 2] = much.data;
	assert_true(paper_list_draw(&list, &out, &err));
	write_file("list.pdf", &out);
	buf_release(&much);
	expect(output_of("pdfinfo list.pdf"), "841.89 x 595.276 pts (A4)");
	const char *text = output_of("pdftotext -layout list.pdf -");
	const char *pages = strstr(output_of("pdfinfo list.pdf"), "Pages:");
	int npages = pages ? atoi(pages + 6) : 0;

	assert_in_range(npages, 2, 5);
	assert_int_equal(times_in(text, "Họ và tên"), npages);
	expect(text, "DANH SÁCH TÔN VINH");
	expect(text, "Ngày 12/03/2026");
	expect(text, "Đèo Thị Ngưỡng 0");
	expect(text, "Đèo Thị Ngưỡng 59");
	expect(text, arena_printf(&arena, "Trang %d/%d", npages, npages));
	list.nrows = 0;
	assert_true(paper_list_draw(&list, &out, &err));
	write_file("list.pdf", &out);
	expect(output_of("pdftotext list.pdf -"), "Trang 1/1");
}

static void test_bundles(void **state)
{
	struct error err = { 0 };
	struct buf out = { 0 };
	struct bundle *bundle = bundle_new(&err);

	(void)state;
	assert_non_null(bundle);
	for (int i = 0; i < 3; i++) {
		struct buf document = { 0 };

		buf_printf(&document, "document %d", i);
		assert_true(bundle_add(bundle, arena_printf(&arena, "LC26-00000%d-B.pdf", i), &document, &err));
		assert_null(document.data);
	}
	assert_true(bundle_finish(bundle, &out, &err));
	bundle_free(bundle);
	write_file("all.zip", &out);
	assert_string_equal(output_of("/usr/bin/python3 -c \"import zipfile; z = zipfile.ZipFile('all.zip');"
				      " print(z.testzip(), *z.namelist(), z.read('LC26-000002-B.pdf').decode())\""),
			    "None LC26-000000-B.pdf LC26-000001-B.pdf LC26-000002-B.pdf document 2\n");
	/* Twice the same name; and one that is given up half way. */
	bundle = bundle_new(&err);
	assert_non_null(bundle);
	struct buf one = { 0 }, two = { 0 };

	buf_append_text(&one, "1");
	buf_append_text(&two, "2");
	assert_true(bundle_add(bundle, "same.pdf", &one, &err));
	assert_false(bundle_add(bundle, "same.pdf", &two, &err));
	assert_int_equal(err.code, ERR_INTERNAL);
	bundle_free(bundle);
	bundle_free(NULL);
}

static void test_codes(void **state)
{
	char much[4300];
	struct qr qr;

	(void)state;
	assert_true(qr_make("GH1:A", &arena, &qr));
	assert_int_equal(qr.width, 21);                  /* version 1 holds 16 characters at level Q */
	assert_true(qr.dark[0] && qr.dark[6] && !qr.dark[7] && !qr.dark[22]);
	assert_true(qr_make("GH1:", &arena, &qr));
	memset(much, 'A', sizeof(much));
	much[265] = '\0';
	assert_true(qr_make(much, &arena, &qr));
	assert_int_equal(qr.width, 65);                  /* version 12 */
	assert_false(qr_make("gh1:", &arena, &qr));
	assert_false(qr_make("GH1:Đ", &arena, &qr));
	assert_false(qr_make("", &arena, &qr));
	memset(much, 'A', sizeof(much));
	much[2420] = '\0';
	assert_true(qr_make(much, &arena, &qr));         /* version 40 */
	much[2420] = 'A';
	much[2421] = '\0';
	assert_false(qr_make(much, &arena, &qr));
	much[2421] = 'A';
	much[4200] = '\0';
	assert_false(qr_make(much, &arena, &qr));
}

static void test_forms(void **state)
{
	static const struct { const char *text; size_t parts; } rows[] = {
		{ "qr 10 98 46 0 plain left 0", 1 },
		{ "name 58 45 140 13 bold left 1\nqr 10 98 46 0 plain left 0\n", 2 },
		{ "name 58.25 45 151.75 4 bold left 1\n", 1 }, { "name\t58  45 140 13 bold left 1 \r\n", 1 },
	};
	static const char *const refused[] = {
		"name", "nome 58 45 140 13 bold left 1", "name 58 45 140 13 bold left", "name 58 45 140 13 bold left 1 1",
		"name 58 45 152.1 13 bold left 1", "name 58 149 140 13 bold left 1", "name -1 45 140 13 bold left 1",
		"name 58 45 140 3 bold left 1", "name 58 45 140 73 bold left 1", "name 58 45 140 13 fat left 1",
		"name 58 45 140 13 bold middle 1", "name 58 45 140 13 bold left 0", "name 58 45 0 13 bold left 1",
		"name 0x3a 45 140 13 bold left 1", "name inf 45 140 13 bold left 1", "name 58. 45 140 13 bold left 1",
		"qr 10 103 46 0 plain left 0", "qr 10 98 46 0 plain left 10",
	};
	struct form form;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct error err = { 0 };

		assert_true(form_parse(rows[i].text, &form, &err));
		assert_int_equal(form.count, rows[i].parts);
	}
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		struct error err = { 0 };

		assert_false(form_parse(arena_printf(&arena, "# a form\n%s\n", refused[i]), &form, &err));
		assert_int_equal(err.code, ERR_CONFIG);
		assert_non_null(strstr(err.detail[LANGUAGE_EN], "Line 2"));
	}
	struct error err = { 0 };
	struct buf many = { 0 };

	assert_false(form_parse("", &form, &err));
	error_clear(&err);
	assert_false(form_parse("# nothing\n\n", &form, &err));
	error_clear(&err);

	for (int i = 0; i <= FORM_PARTS_MAX; i++)
		buf_append_text(&many, "name 58 45 140 13 bold left 1\n");
	assert_false(form_parse(many.data, &form, &err));
	buf_release(&many);
	assert_true(builtin(FORM_WHOLE).count > builtin(FORM_PREPRINTED).count);
}

/* In mm; the letters of all lines, with their marks. */
static double height_of(const struct form_part *part)
{
	return part->field == FIELD_QR ? part->width : part->points * 25.4 / 72 * 1.17 * part->lines;
}

static bool overlap(const struct form_part *a, const struct form_part *b)
{
	return a->x < b->x + b->width && b->x < a->x + a->width && a->y < b->y + height_of(b) && b->y < a->y + height_of(a);
}

/* No text can be printed over another one, however long they are: BẢN SAO stood in the title's marks. */
static void test_nothing_on_another(void **state)
{
	(void)state;
	for (int kind = 0; kind < FORM_KIND_COUNT; kind++) {
		const struct form form = builtin((enum form_kind)kind);

		for (size_t i = 0; i < form.count; i++)
			for (size_t k = 0; k < i; k++)
				if (overlap(&form.parts[i], &form.parts[k]))
					fail_msg("%s: %s is printed over %s", form_kind_text((enum form_kind)kind),
						 certificate_field_text(form.parts[i].field),
						 certificate_field_text(form.parts[k].field));
	}
}

static void test_kinds(void **state)
{
	enum form_kind kind;

	(void)state;
	for (int i = 0; i < FORM_KIND_COUNT; i++) {
		assert_true(form_kind_parse(form_kind_text((enum form_kind)i), &kind));
		assert_int_equal(kind, i);
	}
	assert_false(form_kind_parse("a4", &kind));
}

static void test_no_code(void **state)
{
	const struct certificate_content content = content_of("Lò Thị Mây");
	const char *words[CERTIFICATE_FIELD_COUNT];
	const struct form form = builtin(FORM_WHOLE);
	struct paper *paper = make();
	struct error err = { 0 };

	(void)state;
	certificate_words(&content, false, &arena, words);
	assert_false(paper_add(paper, &form, words, "not for this mode", &err));
	assert_int_equal(err.code, ERR_INTERNAL);
	paper_free(paper);
	paper_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole_certificate), cmocka_unit_test(test_copy_on_a_printed_form),
		cmocka_unit_test(test_long_name),         cmocka_unit_test(test_codes),
		cmocka_unit_test(test_forms),             cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_no_code),           cmocka_unit_test(test_lists),
		cmocka_unit_test(test_bundles),           cmocka_unit_test(test_nothing_on_another),
	};

	return cmocka_run_group_tests(tests, up, down);
}
