#include "http/http.h"

/*
 * One row per error_code: its status, its title, and what to do next. Titles
 * never vary; what is special about one occurrence is in the error's detail.
 */
static const struct problem {
	int         status;
	const char *title[LANGUAGE_COUNT];
	const char *advice[LANGUAGE_COUNT];
} problems[ERR_COUNT] = {
	[ERR_NONE] = { 500,
		{ "Internal error", "Lỗi nội bộ" },
		{ "Try again; if it stays, tell the operator the request_id.",
		  "Hãy thử lại; nếu vẫn lỗi, báo request_id cho người vận hành." } },
	[ERR_MALFORMED] = { 400,
		{ "The body cannot be read", "Không đọc được nội dung" },
		{ "Send UTF-8 text in the form that Content-Type names.",
		  "Hãy gửi văn bản UTF-8 đúng dạng ghi ở Content-Type." } },
	[ERR_INVALID_FIELD] = { 422,
		{ "A field is not valid", "Có trường không hợp lệ" },
		{ "Correct the fields named in errors and send it again.",
		  "Hãy sửa các trường nêu trong errors rồi gửi lại." } },
	[ERR_INVALID_QUERY] = { 400,
		{ "A query parameter is not valid", "Tham số truy vấn không hợp lệ" },
		{ "Correct the parameters; /docs lists those that this address knows.",
		  "Hãy sửa các tham số; /docs liệt kê những tham số được dùng ở địa chỉ này." } },
	[ERR_UNSUPPORTED_MEDIA_TYPE] = { 415,
		{ "This kind of body is not understood", "Không hiểu loại nội dung này" },
		{ "Send the Content-Type that /docs names for this address.",
		  "Hãy gửi Content-Type mà /docs nêu cho địa chỉ này." } },
	[ERR_NOT_ACCEPTABLE] = { 406,
		{ "No acceptable form of the answer", "Không có dạng trả lời phù hợp" },
		{ "Accept one of the forms that /docs names for this address.",
		  "Hãy chấp nhận một trong các dạng mà /docs nêu cho địa chỉ này." } },
	[ERR_UNAUTHENTICATED] = { 401,
		{ "Not signed in", "Chưa đăng nhập" },
		{ "Send a valid token: Authorization: Bearer gh_... ; an administrator issues tokens.",
		  "Hãy gửi mã truy cập hợp lệ: Authorization: Bearer gh_... ; quản trị viên cấp mã này." } },
	[ERR_FORBIDDEN] = { 403,
		{ "Not allowed for this role", "Vai trò này không được phép" },
		{ "Ask an administrator for a token whose role may do this.",
		  "Hãy xin quản trị viên một mã có vai trò được phép làm việc này." } },
	[ERR_OUT_OF_SCOPE] = { 403,
		{ "Outside the units of this token", "Ngoài phạm vi đơn vị của mã này" },
		{ "Ask somebody whose scope includes this unit, or an administrator to widen yours.",
		  "Hãy nhờ người phụ trách đơn vị này, hoặc xin quản trị viên mở rộng phạm vi." } },
	[ERR_NOT_FOUND] = { 404,
		{ "Not found", "Không tìm thấy" },
		{ "Check the address and the id.", "Hãy kiểm tra lại địa chỉ và mã." } },
	[ERR_METHOD_NOT_ALLOWED] = { 405,
		{ "This method is not for this address", "Địa chỉ này không nhận phương thức đó" },
		{ "Use one of the methods in the Allow field.",
		  "Hãy dùng một trong các phương thức ở trường Allow." } },
	[ERR_PRECONDITION_REQUIRED] = { 428,
		{ "If-Match is needed", "Cần có If-Match" },
		{ "Read the resource and send its ETag as If-Match.",
		  "Hãy đọc lại dữ liệu rồi gửi ETag của nó trong If-Match." } },
	[ERR_STALE] = { 412,
		{ "It was changed meanwhile", "Dữ liệu đã được người khác sửa" },
		{ "Read it again, look at the change, and send yours with the new ETag.",
		  "Hãy đọc lại, xem thay đổi, rồi gửi sửa đổi của mình với ETag mới." } },
	[ERR_IDEMPOTENCY_MISMATCH] = { 422,
		{ "This Idempotency-Key was used for another request", "Idempotency-Key này đã dùng cho yêu cầu khác" },
		{ "Use a new key for a new request.", "Hãy dùng khóa mới cho yêu cầu mới." } },
	[ERR_IDEMPOTENCY_RUNNING] = { 409,
		{ "The same request is still at work", "Yêu cầu này đang được xử lý" },
		{ "Wait as long as Retry-After says, then repeat it with the same key.",
		  "Hãy chờ theo Retry-After rồi gửi lại với cùng khóa." } },
	[ERR_TOO_MANY_REQUESTS] = { 429,
		{ "Too many requests", "Quá nhiều yêu cầu" },
		{ "Wait as long as Retry-After says.", "Hãy chờ theo thời gian ở Retry-After." } },
	[ERR_CURSOR_UNKNOWN] = { 410,
		{ "This cursor is of another history", "Con trỏ này thuộc một lịch sử khác" },
		{ "Begin anew without a cursor and replace all that you hold.",
		  "Hãy bắt đầu lại, không gửi cursor, và thay toàn bộ dữ liệu đang có." } },
	[ERR_ILLEGAL_STEP] = { 409,
		{ "The round does not allow this step now", "Đợt hiến máu chưa cho phép bước này" },
		{ "Read the round: its status says which steps are possible.",
		  "Hãy xem lại đợt: trạng thái cho biết bước nào có thể làm." } },
	[ERR_TEAM_BUSY] = { 409,
		{ "The team has another round that day", "Đội đã có đợt khác trong ngày đó" },
		{ "Choose another day or another team.", "Hãy chọn ngày khác hoặc đội khác." } },
	[ERR_VENUE_BUSY] = { 409,
		{ "The venue has another round that day", "Địa điểm đã có đợt khác trong ngày đó" },
		{ "Choose another day or another venue.", "Hãy chọn ngày khác hoặc địa điểm khác." } },
	[ERR_ALREADY_EXISTS] = { 409,
		{ "It exists already", "Đã có rồi" },
		{ "Change the one that exists, or use another code.",
		  "Hãy sửa mục đã có, hoặc dùng mã khác." } },
	[ERR_IMPORT_REFUSED] = { 409,
		{ "The file would change announced rounds", "Tệp sẽ làm thay đổi các đợt đã công bố" },
		{ "Move these rounds one by one, or leave them as they are in the file.",
		  "Hãy dời từng đợt này, hoặc giữ nguyên chúng trong tệp." } },
	[ERR_NO_PROPOSAL] = { 422,
		{ "No plan meets these conditions", "Không có kế hoạch nào thoả các điều kiện này" },
		{ "Loosen the condition named in the detail: fewer rounds, more teams or more days.",
		  "Hãy nới điều kiện nêu trong chi tiết: bớt đợt, thêm đội hoặc thêm ngày." } },
	[ERR_BAD_REQUEST] = { 400,
		{ "Not a valid HTTP request", "Yêu cầu HTTP không hợp lệ" },
		{ "Mend the program that sends it, or the proxy between.",
		  "Hãy sửa chương trình gửi yêu cầu hoặc máy chủ trung gian." } },
	[ERR_REQUEST_TIMEOUT] = { 408,
		{ "The request came too slowly", "Yêu cầu đến quá chậm" },
		{ "Send it again on a new connection.", "Hãy gửi lại bằng kết nối mới." } },
	[ERR_CONTENT_TOO_LARGE] = { 413,
		{ "The body is too large", "Nội dung quá lớn" },
		{ "Send less at once, in several requests.", "Hãy gửi ít hơn, chia thành nhiều yêu cầu." } },
	[ERR_TARGET_TOO_LONG] = { 414,
		{ "The address is too long", "Địa chỉ quá dài" },
		{ "Shorten the query; long data belongs in a body.",
		  "Hãy rút ngắn truy vấn; dữ liệu dài nên gửi trong nội dung." } },
	[ERR_EXPECTATION_FAILED] = { 417,
		{ "Expectation not understood", "Không hiểu trường Expect" },
		{ "Send no Expect field, or 100-continue.", "Hãy bỏ trường Expect, hoặc dùng 100-continue." } },
	[ERR_HEAD_TOO_LARGE] = { 431,
		{ "The head of the request is too large", "Phần đầu của yêu cầu quá lớn" },
		{ "Send fewer or shorter fields and cookies.", "Hãy gửi ít trường và cookie hơn, hoặc ngắn hơn." } },
	[ERR_NOT_IMPLEMENTED] = { 501,
		{ "Unknown method", "Phương thức không được hỗ trợ" },
		{ "Use GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS.",
		  "Hãy dùng GET, HEAD, POST, PUT, PATCH, DELETE hoặc OPTIONS." } },
	[ERR_HTTP_VERSION] = { 505,
		{ "HTTP version not supported", "Phiên bản HTTP không được hỗ trợ" },
		{ "Use HTTP/1.1.", "Hãy dùng HTTP/1.1." } },
	[ERR_UNAVAILABLE] = { 503,
		{ "Briefly unavailable", "Tạm thời không phục vụ được" },
		{ "Nothing was changed. Wait as long as Retry-After says and send it again.",
		  "Chưa có gì thay đổi. Hãy chờ theo Retry-After rồi gửi lại." } },
	[ERR_UNKNOWN_OUTCOME] = { 503,
		{ "It is not known whether this was done", "Chưa biết yêu cầu đã được thực hiện hay chưa" },
		{ "Send it again with the same Idempotency-Key: it is done once at most.",
		  "Hãy gửi lại với cùng Idempotency-Key: yêu cầu chỉ được thực hiện nhiều nhất một lần." } },
	[ERR_INTERNAL] = { 500,
		{ "Internal error", "Lỗi nội bộ" },
		{ "Try again; if it stays, tell the operator the request_id.",
		  "Hãy thử lại; nếu vẫn lỗi, báo request_id cho người vận hành." } },
	[ERR_CONFIG] = { 500,
		{ "The configuration is not valid", "Cấu hình không hợp lệ" },
		{ "Correct the option named in the detail.", "Hãy sửa tuỳ chọn nêu trong chi tiết." } },
	[ERR_SYSTEM] = { 500,
		{ "The system refused", "Hệ thống từ chối" },
		{ "See the detail: file, socket or program.", "Hãy xem chi tiết: tệp, socket hoặc chương trình." } },
};

static const struct problem *problem_of(enum error_code code)
{
	return &problems[(unsigned)code < ERR_COUNT ? code : ERR_INTERNAL];
}

int http_error_status(enum error_code code)
{
	return problem_of(code)->status;
}

const char *http_error_title(enum error_code code, enum language language)
{
	return problem_of(code)->title[language];
}

const char *http_error_advice(enum error_code code, enum language language)
{
	return problem_of(code)->advice[language];
}
