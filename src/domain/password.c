#include "domain/password.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"

/* Folded, without blanks. What leaked lists begin with, what is common here, and our own words. */
static const char *const known_words[] = {
	"password", "passwort", "passw0rd", "p@ssword", "p@ssw0rd", "letmein", "welcome", "iloveyou", "monkey",
	"dragon", "football", "baseball", "superman", "batman", "sunshine", "princess", "master", "shadow",
	"michael", "charlie", "login", "admin", "administrator", "root", "user", "guest", "test", "secret",
	"changeme", "default", "hello", "freedom", "whatever", "trustno1", "starwars", "pokemon", "google",
	"facebook", "internet", "computer", "samsung", "iphone", "abc123", "1q2w3e4r", "1qaz2wsx", "zaq12wsx",
	"qazwsx", "q1w2e3r4", "qwerty", "azerty", "asdfgh", "zxcvbn",
	"matkhau", "matma", "dangnhap", "taikhoan", "quantri", "nguoidung", "xinchao", "chaomung", "anhyeuem",
	"emyeuanh", "yeuem", "yeuanh", "conyeu", "giadinh", "hanhphuc", "tinhyeu", "maimai", "khongbiet",
	"khongnho", "vietnam", "hanoi", "saigon", "danang", "haiphong", "nguyen", "thanhpho", "hoangsa",
	"truongsa", "bongda", "motconvit", "laichau", "dienbien", "tayninh", "phongtho", "sinho", "muongte",
	"namnhun", "tamduong", "tanuyen", "thanuyen", "tinhlaichau",
	"giothong", "giotmau", "giotmauhong", "nhunggiotmauhong", "hienmau", "hienmaunhandao", "maucuu",
	"chuthapdo", "hoichuthapdo", "redcross", "bloodbank", "blood", "donor", "chunhatdo", "ngayhoi",
	"hanhtrinhdo", "lehoixuanhong", "tinhnguyen", "nhandao", "benhvien", "truyenmau", "huyethoc",
};

/* Neighbours on a keyboard or in the alphabet, both ways. */
static const char *const rows[] = {
	"abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "azertyuiop",
};

enum { RUN_MIN = 3, WORD_MIN = 4 };

bool password_compose(const char *typed, char out[PASSWORD_SIZE])
{
	char room[4 * PASSWORD_SIZE];
	bool fine = strlen(typed) < sizeof(room) && text_compose(typed, room, sizeof(room)) &&
		    strlen(room) <= PASSWORD_MAX_BYTES;

	memcpy(out, fine ? room : "", fine ? strlen(room) + 1 : 1);
	explicit_bzero(room, sizeof(room));
	return fine;
}

bool password_stands_alone(const char *composed)
{
	return text_length(composed) >= PASSWORD_ALONE_MIN;
}

/* Every place where `word` stands becomes a cut, over which no other word is read. */
static void take_out(char *text, const char *word)
{
	size_t len = strlen(word);

	if (len < WORD_MIN)
		return;
	for (char *at = text; (at = strstr(at, word)) != NULL; at += len)
		memset(at, '\1', len);
}

/* Parts of a name of several words too: each is known to everybody who knows the person. */
static void take_out_folded(char *text, const char *name)
{
	char folded[512], joined[512];
	size_t len = 0;

	if (!name || !text_fold(name, folded, sizeof(folded)))
		return;
	for (const char *p = folded; *p; p++)
		if (*p != ' ')
			joined[len++] = *p;
	joined[len] = '\0';
	take_out(text, joined);
	for (char *save = NULL, *word = strtok_r(folded, " ", &save); word; word = strtok_r(NULL, " ", &save))
		take_out(text, word);
}

/* Whether b comes right after a in a row, forwards (step 1) or backwards (-1), or is the same (0). */
static bool follows(char a, char b, int step)
{
	if (a == '\1' || b == '\1')
		return false;
	if (step == 0)
		return a == b;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *first = step > 0 ? &a : &b, *second = step > 0 ? &b : &a;

		for (const char *at = rows[i]; (at = strchr(at, *first)) != NULL; at++)
			if (at[1] == *second)
				return true;
	}
	return false;
}

static void take_out_runs(char *text)
{
	for (int step = -1; step <= 1; step++) {
		for (char *at = text; *at;) {
			size_t len = 1;

			while (at[len] && follows(at[len - 1], at[len], step))
				len++;
			if (len >= RUN_MIN)
				memset(at, '\1', len);
			at += len;
		}
	}
}

/* Folded without blanks; letters of other scripts and signs stay as they are. */
static void flatten(const char *composed, char out[4 * PASSWORD_SIZE])
{
	char bare[4 * PASSWORD_SIZE];
	size_t len = 0;

	if (!text_strip_marks(composed, bare, sizeof(bare)))
		memcpy(bare, composed, strlen(composed) + 1);
	for (const char *p = bare; *p; p++)
		if (*p != ' ')
			out[len++] = (char)(*p >= 'A' && *p <= 'Z' ? *p + ('a' - 'A') : *p);
	out[len] = '\0';
	explicit_bzero(bare, sizeof(bare));
}

static size_t count_left(const char *composed, const struct password_owner *owner)
{
	char text[4 * PASSWORD_SIZE];
	size_t left = 0;

	flatten(composed, text);
	take_out_folded(text, owner->name);
	if (owner->login)
		take_out(text, owner->login);
	take_out_folded(text, owner->login);
	for (size_t len = PASSWORD_SIZE; len >= WORD_MIN; len--)       /* the longest first: a word may hold another */
		for (size_t i = 0; i < ARRAY_SIZE(known_words); i++)
			if (strlen(known_words[i]) == len)
				take_out(text, known_words[i]);
	take_out_runs(text);
	for (const char *p = text; *p; p++)
		left += *p != '\1' && ((unsigned char)*p & 0xc0) != 0x80;
	explicit_bzero(text, sizeof(text));
	return left;
}

bool password_check(const char *composed, const struct password_owner *owner, const char *pointer,
		    struct error *err)
{
	int min = owner->second_factor ? PASSWORD_BESIDE_MIN : PASSWORD_ALONE_MIN;

	for (const char *p = composed; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return error_add_field(err, pointer, "control_character",
					       "Control characters and line breaks are not allowed.",
					       "Không được có ký tự điều khiển hay xuống dòng.");
	if (text_length(composed) < (size_t)min)
		return error_add_field(err, pointer, "too_short",
				       "At least %d characters; several words are fine.",
				       "Ít nhất %d ký tự; có thể dùng nhiều từ.", min);
	if (count_left(composed, owner) < PASSWORD_LEFT_MIN)
		return error_add_field(err, pointer, "too_common",
				       "This is among the first that strangers try: known words, names or runs of keys."
				       " Add words of your own.",
				       "Mật khẩu quá dễ đoán: từ thông dụng, tên hoặc dãy phím. Hãy thêm từ của riêng bạn.");
	return true;
}
