#include "store/failure.h"

#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "db/db.h"

/* error_set() formats both languages from the same arguments; of two ready texts each takes its own. */
#define EACH_ITS_OWN "%1$s%2$.0s", "%2$s%1$.0s"

/* pointer NULL: the code says it all. */
static const struct refusal {
	const char     *constraint;
	enum error_code code;
	const char     *pointer, *field_code;
	const char     *en, *vi;
} refusals[] = {
	{ "round_team_day_uk", ERR_TEAM_BUSY, NULL, NULL,
	  "The team already serves a round on that day. Choose another team or another day.",
	  "Đội này đã phục vụ một đợt hiến máu trong ngày đó. Hãy chọn đội khác hoặc ngày khác." },
	{ "round_venue_day_uk", ERR_VENUE_BUSY, NULL, NULL,
	  "The venue already has a round on that day. Choose another venue or another day.",
	  "Địa điểm này đã có một đợt hiến máu trong ngày đó. Hãy chọn địa điểm khác hoặc ngày khác." },

	{ "round_code_uk", ERR_ALREADY_EXISTS, "/code", "taken",
	  "A round with this code is already there. Use another code.",
	  "Mã đợt này đã có. Hãy dùng mã khác." },
	{ "round_ordinal_uk", ERR_ALREADY_EXISTS, "/ordinal", "taken",
	  "The plan already has a round with this number. Use another number, or leave it out.",
	  "Kế hoạch đã có đợt mang số này. Hãy dùng số khác hoặc để trống." },
	{ "plan_number_uk", ERR_ALREADY_EXISTS, "/number", "taken",
	  "A plan with this number is already there. Open that plan, or correct the number.",
	  "Kế hoạch số này đã có. Hãy mở kế hoạch đó hoặc sửa lại số." },
	{ "plan_slug_uk", ERR_ALREADY_EXISTS, "/number", "taken",
	  "A plan whose number reads the same is already there. Open that plan, or correct the number.",
	  "Đã có kế hoạch với số đọc giống như vậy. Hãy mở kế hoạch đó hoặc sửa lại số." },
	{ "plan_prefix_uk", ERR_ALREADY_EXISTS, "/code_prefix", "taken",
	  "Another plan already uses this prefix for the codes of its rounds. Choose another prefix.",
	  "Kế hoạch khác đã dùng tiền tố mã này. Hãy chọn tiền tố khác." },
	{ "campaign_slug_uk", ERR_ALREADY_EXISTS, "/slug", "taken",
	  "A campaign with this slug is already there. Use that campaign, or another slug.",
	  "Chiến dịch với mã này đã có. Hãy dùng chiến dịch đó hoặc mã khác." },
	{ "venue_name_uk", ERR_ALREADY_EXISTS, "/name", "taken",
	  "The unit already has a venue of this name. Use that venue, or another name.",
	  "Đơn vị này đã có địa điểm cùng tên. Hãy dùng địa điểm đó hoặc tên khác." },
	{ "team_code_uk", ERR_ALREADY_EXISTS, "/code", "taken",
	  "A team with this code is already there. Use another code.",
	  "Đội với mã này đã có. Hãy dùng mã khác." },
	{ "access_token_name_uk", ERR_ALREADY_EXISTS, "/name", "taken",
	  "A token of this name is in use. Revoke it first, or choose another name.",
	  "Đã có mã truy cập mang tên này. Hãy thu hồi mã đó trước hoặc chọn tên khác." },

	{ "device_name_uk", ERR_ALREADY_EXISTS, "/name", "taken",
	  "A phone of this name is in use. Revoke it first, or choose another name.",
	  "Đã có điện thoại mang tên này. Hãy thu hồi máy đó trước hoặc chọn tên khác." },
	{ "device_team_fk", ERR_INVALID_FIELD, "/team", "not_found",
	  "There is no such team. Look it up in the list of teams, or add it first.",
	  "Không có đội này. Hãy xem danh sách đội hoặc thêm mới trước." },
	{ "staff_user_login_uk", ERR_ALREADY_EXISTS, "/login", "taken",
	  "An account of this name is already there. Choose another name.",
	  "Đã có tài khoản mang tên đăng nhập này. Hãy chọn tên khác." },
	{ "fact_donor_erased_ck", ERR_ERASED, NULL, NULL,
	  "The personal data of this donor has been erased: there is nothing to change.",
	  "Dữ liệu cá nhân của người này đã được xóa: không còn gì để sửa." },
	{ "certificate_donation_uk", ERR_ALREADY_EXISTS, NULL, NULL,
	  "This donation has a certificate. Print that one again, or make it void first.",
	  "Lần hiến này đã có giấy chứng nhận. Hãy in lại giấy đó hoặc hủy trước." },
	{ "certificate_bag_uk", ERR_ALREADY_EXISTS, NULL, NULL,
	  "The bag of this donation has a certificate. Print that one again, or make it void first.",
	  "Túi máu của lần hiến này đã có giấy chứng nhận. Hãy in lại giấy đó hoặc hủy trước." },
	{ "certificate_code_uk", ERR_UNAVAILABLE, NULL, NULL,
	  "The code that was drawn is taken. Nothing was written. Send the same request again.",
	  "Mã tra cứu vừa tạo đã có. Chưa có gì được ghi. Hãy gửi lại yêu cầu." },
	{ "certificate_series_last_ck", ERR_NOT_CERTIFIABLE, NULL, NULL,
	  "The numbers of this issuing body and year are used up. Enter another issuing body.",
	  "Dãy số của nơi cấp trong năm này đã hết. Hãy thêm nơi cấp khác." },
	{ "certificate_overdrawn_ck", ERR_OVERDRAWN, NULL, NULL,
	  "Not so much is left on this certificate: somebody else redeemed meanwhile. Nothing was redeemed.",
	  "Giấy chứng nhận không còn đủ: vừa có nơi khác sử dụng. Chưa ghi nhận sử dụng." },
	{ "certificate_redeemed_ck", ERR_CERTIFICATE_REDEEMED, NULL, NULL,
	  "Millilitres of this certificate were redeemed, or a claim waits for a person. It was not made void.",
	  "Giấy chứng nhận này đã được sử dụng, hoặc còn mục chờ xử lý. Chưa hủy." },
	{ "certificate_print_void_ck", ERR_CERTIFICATE_VOID, NULL, NULL,
	  "This certificate is void: it is not printed.", "Giấy chứng nhận này đã bị hủy: không in nữa." },
	{ "certificate_key_fk", ERR_UNAVAILABLE, NULL, NULL,
	  "The keys are being changed and this daemon has not taken up the new ones yet. Nothing was changed. Try again shortly.",
	  "Khóa đang được thay và tiến trình này chưa nhận khóa mới. Chưa có gì thay đổi. Hãy thử lại sau giây lát." },
	{ "redemption_void_ck", ERR_CERTIFICATE_VOID, NULL, NULL,
	  "This certificate is void: nothing can be redeemed with it.",
	  "Giấy chứng nhận này đã bị hủy: không sử dụng được nữa." },
	{ "redemption_of_uk", ERR_REDEMPTION_SETTLED, NULL, NULL,
	  "This entry was settled or taken back before.", "Mục này đã được xử lý hoặc hoàn lại trước đó." },
	{ "redemption_answered_ck", ERR_REDEMPTION_SETTLED, NULL, NULL,
	  "Nothing more is done to this entry.", "Mục này không xử lý thêm được." },
	{ "certificate_print_serial_uk", ERR_INVALID_FIELD, "/paper_serial", "taken",
	  "A certificate was printed on the form with this serial number. Look at the form again.",
	  "Đã in giấy chứng nhận trên phôi mang số này. Hãy xem lại phôi." },
	{ "issuing_body_pk", ERR_ALREADY_EXISTS, "/valid_from", "taken",
	  "This body has a name from that day on already. Choose another day.",
	  "Nơi cấp này đã có tên từ ngày đó. Hãy chọn ngày khác." },

	{ "deferral_lift_live_uk", ERR_DEFERRAL_LIFTED, NULL, NULL,
	  "This deferral was lifted before, or somebody has asked for it. Nothing was changed.",
	  "Lần tạm hoãn này đã được gỡ, hoặc đã có người đề nghị gỡ. Chưa có gì thay đổi." },

	{ "round_full_ck", ERR_ROUND_FULL, NULL, NULL,
	  "All places that could be had are taken. Choose another slot or round, or wait for a place with \"wait\": true.",
	  "Các chỗ có thể nhận đã hết. Hãy chọn khung giờ hoặc đợt khác, hoặc chờ chỗ với \"wait\": true." },
	{ "group_full_ck", ERR_ROUND_FULL, NULL, NULL,
	  "There are not so many places left. Look at the round's slots, and hold fewer seats or choose another round.",
	  "Không còn đủ số chỗ đó. Hãy xem các khung giờ của đợt, rồi giữ ít chỗ hơn hoặc chọn đợt khác." },
	{ "slot_booked_ck", ERR_ROUND_FULL, NULL, NULL,
	  "The place was given to somebody else meanwhile, and none is left. Take the person as a walk-in, in a later slot.",
	  "Chỗ này đã dành cho người khác và không còn chỗ. Hãy nhận như người đến không hẹn trước, ở khung giờ sau." },
	{ "slot_walk_in_ck", ERR_ROUND_FULL, NULL, NULL,
	  "Only places for people without a booking are left in this slot. Choose another slot.",
	  "Khung giờ này chỉ còn chỗ cho người đến không hẹn trước. Hãy chọn khung giờ khác." },
	{ "appointment_live_uk", ERR_ALREADY_BOOKED, NULL, NULL,
	  "This person has a place in the round already, or waits for one. Move or cancel that instead.",
	  "Người này đã có chỗ trong đợt, hoặc đang chờ chỗ. Hãy dời hoặc hủy lịch hẹn đó." },
	{ "appointment_changed_ck", ERR_ILLEGAL_STEP, NULL, NULL,
	  "Somebody has changed this appointment meanwhile. Nothing was changed. Read it again.",
	  "Vừa có người thay đổi lịch hẹn này. Chưa có gì thay đổi. Hãy đọc lại." },
	{ "round_gives_ck", ERR_ILLEGAL_STEP, NULL, NULL,
	  "The round gives no places any more. Read it again: its status says why.",
	  "Đợt không còn nhận đăng ký. Hãy đọc lại đợt: trạng thái cho biết lý do." },
	{ "seat_group_named_ck", ERR_ILLEGAL_STEP, NULL, NULL,
	  "The group has fewer seats without a name than that. Read it again, and cancel named seats one by one.",
	  "Nhóm không còn đủ số chỗ chưa có tên đó. Hãy đọc lại, và hủy từng chỗ đã có tên." },
	{ "seat_group_release_ck", ERR_INVALID_FIELD, "/release_hours", "too_many",
	  "The round is nearer than that: these seats would go back at once. Give fewer hours; with 0 they are named at the door.",
	  "Đợt diễn ra sớm hơn thế: các chỗ này sẽ bị thu lại ngay. Hãy cho số giờ nhỏ hơn; với 0, tên được ghi khi đến nơi." },
	{ "seat_due_ck", ERR_ILLEGAL_STEP, NULL, NULL,
	  "In that slot the seat would go back at once, since nobody was named for it. Name somebody first, or choose a later slot.",
	  "Ở khung giờ đó chỗ này sẽ bị thu lại ngay vì chưa có tên. Hãy ghi tên trước, hoặc chọn khung giờ muộn hơn." },
	{ "appointment_slot_fk", ERR_INVALID_FIELD, "/slot", "not_found",
	  "The round has no such slot. Look at its slots.",
	  "Đợt không có khung giờ này. Hãy xem các khung giờ của đợt." },
	{ "appointment_wish_fk", ERR_INVALID_FIELD, "/slot", "not_found",
	  "The round has no such slot. Look at its slots.",
	  "Đợt không có khung giờ này. Hãy xem các khung giờ của đợt." },

	{ "round_unit_uk", ERR_INVALID_FIELD, "/units", "duplicate",
	  "A unit stands twice. Name each unit once.",
	  "Một đơn vị được ghi hai lần. Mỗi đơn vị chỉ ghi một lần." },
	{ "round_campaign_uk", ERR_INVALID_FIELD, "/campaigns", "duplicate",
	  "A campaign stands twice. Name each campaign once.",
	  "Một chiến dịch được ghi hai lần. Mỗi chiến dịch chỉ ghi một lần." },
	{ "round_plan_fk", ERR_INVALID_FIELD, "/plan", "not_found",
	  "There is no such plan. Look it up in the list of plans.",
	  "Không có kế hoạch này. Hãy xem danh sách kế hoạch." },
	{ "round_venue_fk", ERR_INVALID_FIELD, "/venue", "not_found",
	  "There is no such venue. Look it up in the list of venues, or add it first.",
	  "Không có địa điểm này. Hãy xem danh sách địa điểm hoặc thêm mới trước." },
	{ "round_team_fk", ERR_INVALID_FIELD, "/team", "not_found",
	  "There is no such team. Look it up in the list of teams, or add it first.",
	  "Không có đội này. Hãy xem danh sách đội hoặc thêm mới trước." },
	{ "round_unit_unit_fk", ERR_INVALID_FIELD, "/units", "not_found",
	  "There is no such unit. Look it up in the list of units.",
	  "Không có đơn vị này. Hãy xem danh sách đơn vị." },
	{ "round_campaign_campaign_fk", ERR_INVALID_FIELD, "/campaigns", "not_found",
	  "There is no such campaign. Look it up in the list of campaigns, or add it first.",
	  "Không có chiến dịch này. Hãy xem danh sách chiến dịch hoặc thêm mới trước." },
	{ "plan_campaign_campaign_fk", ERR_INVALID_FIELD, "/campaigns", "not_found",
	  "There is no such campaign. Look it up in the list of campaigns, or add it first.",
	  "Không có chiến dịch này. Hãy xem danh sách chiến dịch hoặc thêm mới trước." },
	{ "plan_campaign_pk", ERR_INVALID_FIELD, "/campaigns", "duplicate",
	  "A campaign stands twice. Name each campaign once.",
	  "Một chiến dịch được ghi hai lần. Mỗi chiến dịch chỉ ghi một lần." },
	{ "venue_unit_fk", ERR_INVALID_FIELD, "/unit", "not_found",
	  "There is no such unit. Look it up in the list of units.",
	  "Không có đơn vị này. Hãy xem danh sách đơn vị." },
	{ "staff_user_team_fk", ERR_INVALID_FIELD, "/team", "not_found",
	  "There is no such team. Look it up in the list of teams, or add it first.",
	  "Không có đội này. Hãy xem danh sách đội hoặc thêm mới trước." },
	{ "access_token_team_fk", ERR_INVALID_FIELD, "/team", "not_found",
	  "There is no such team. Look it up in the list of teams, or add it first.",
	  "Không có đội này. Hãy xem danh sách đội hoặc thêm mới trước." },
	{ "gift_corrects_fk", ERR_INVALID_FIELD, "/corrects", "not_found",
	  "The round has no such gift. Name the id of a gift of this round.",
	  "Đợt này không có khoản chi đó. Hãy ghi mã của một khoản thuộc đợt này." },
	{ "gift_corrects_uk", ERR_INVALID_FIELD, "/corrects", "already_corrected",
	  "That gift has been corrected already. Correct the newest row instead.",
	  "Khoản đó đã được đính chính. Hãy đính chính dòng mới nhất." },
	{ "gift_corrects_item_uk", ERR_INVALID_FIELD, "/corrects", "already_corrected",
	  "That gift has been corrected already. Correct the newest row instead.",
	  "Khoản đó đã được đính chính. Hãy đính chính dòng mới nhất." },
	{ "honour_donor_step_uk", ERR_ALREADY_EXISTS, NULL, NULL,
	  "This person has this honour, or it is in work. Look it up in the list of honours.",
	  "Người này đã có hình thức tôn vinh đó, hoặc đang được xét. Hãy xem danh sách tôn vinh." },
	{ "honour_family_step_uk", ERR_ALREADY_EXISTS, NULL, NULL,
	  "This family has this honour, or it is in work. Look it up in the list of honours.",
	  "Gia đình này đã có hình thức tôn vinh đó, hoặc đang được xét. Hãy xem danh sách tôn vinh." },
	{ "family_member_one_uk", ERR_ALREADY_EXISTS, NULL, NULL,
	  "This person is a member of a family already. Let them leave that one first.",
	  "Người này đang thuộc một gia đình. Hãy ghi ngày rời gia đình đó trước." },
	{ "round_report_corrects_fk", ERR_INVALID_FIELD, "/corrects", "not_found",
	  "The round has no such report. Name the id of a report of this round.",
	  "Đợt này không có báo cáo đó. Hãy ghi mã của một báo cáo thuộc đợt này." },
	{ "round_report_corrects_uk", ERR_INVALID_FIELD, "/corrects", "already_corrected",
	  "That report has been corrected already. Correct the newest report instead.",
	  "Báo cáo đó đã được đính chính. Hãy đính chính báo cáo mới nhất." },
	{ "round_booked_ck", ERR_INVALID_FIELD, "/capacity", "below_booked",
	  "More places are booked than that. Reload the round and choose a larger capacity.",
	  "Số chỗ đã đặt nhiều hơn mức này. Hãy tải lại đợt và chọn sức chứa lớn hơn." },
	{ "round_report_round_fk", ERR_NOT_FOUND, NULL, NULL,
	  "There is no such round. Look it up in the list of rounds.",
	  "Không có đợt này. Hãy xem danh sách đợt hiến máu." },
};

static const struct refusal *refusal_find(const char *constraint)
{
	for (size_t i = 0; constraint && i < ARRAY_SIZE(refusals); i++) {
		if (streq(refusals[i].constraint, constraint))
			return &refusals[i];
	}
	return NULL;
}

static bool fail_refused(const struct refusal *refusal, struct error *err)
{
	if (refusal->code == ERR_ALREADY_EXISTS || !refusal->pointer)
		error_set(err, refusal->code, EACH_ITS_OWN, refusal->en, refusal->vi);
	if (refusal->pointer)
		error_add_field(err, refusal->pointer, refusal->field_code, EACH_ITS_OWN, refusal->en,
				refusal->vi);
	return false;
}

static bool fail_unavailable(struct error *err)
{
	return error_set(err, ERR_UNAVAILABLE,
			 "The database does not answer at the moment. Nothing was changed. Try again shortly.",
			 "Cơ sở dữ liệu tạm thời không trả lời. Chưa có gì thay đổi. Hãy thử lại sau ít phút.");
}

static bool fail_unknown(struct error *err)
{
	return error_set(err, ERR_UNKNOWN_OUTCOME,
			 "The connection was lost before the answer came: the change may have been made or not."
			 " Send the same request again with the same Idempotency-Key, or read the record first.",
			 "Mất kết nối trước khi có câu trả lời: thay đổi có thể đã được ghi hoặc chưa."
			 " Hãy gửi lại đúng yêu cầu này với cùng Idempotency-Key, hoặc đọc lại bản ghi trước.");
}

/* Only names go to the log: PostgreSQL's message may quote values. */
static bool fail_internal(const struct db_result *result, struct error *err)
{
	log_error("statement_refused", "sqlstate=%s constraint=%s", result->sqlstate,
		  result->constraint ? result->constraint : "-");
	return error_set(err, ERR_INTERNAL,
			 "The database refused the change for a reason that nobody foresaw. Nothing was changed."
			 " Tell the administrator.",
			 "Cơ sở dữ liệu từ chối thay đổi vì lý do chưa lường trước. Chưa có gì thay đổi."
			 " Hãy báo người quản trị.");
}

bool result_ok(const struct db_result *result, struct error *err)
{
	const struct refusal *refusal;

	error_clear(err);
	if (result->outcome == DB_OK)
		return true;
	if (result->outcome == DB_UNKNOWN)
		return fail_unknown(err);
	if (db_try_again(result))
		return fail_unavailable(err);
	refusal = refusal_find(result->constraint);
	if (refusal)
		return fail_refused(refusal, err);
	return fail_internal(result, err);
}

bool fail_not_found(struct error *err)
{
	return error_set(err, ERR_NOT_FOUND, "There is no such record. Look it up in the list.",
			 "Không có bản ghi này. Hãy xem trong danh sách.");
}

bool fail_erased(struct error *err)
{
	return error_set(err, ERR_ERASED, "The personal data of this donor has been erased: there is nothing to change.",
			 "Dữ liệu cá nhân của người này đã được xóa: không còn gì để sửa.");
}

bool fail_second_person(struct error *err)
{
	return error_set(err, ERR_SECOND_PERSON, "You asked for this yourself: another person must approve it.",
			 "Chính bạn đã đề nghị việc này: cần người khác duyệt.");
}

bool fail_stale(struct error *err)
{
	return error_set(err, ERR_STALE,
			 "Somebody has changed it since you read it. Nothing was changed. Reload it and try again.",
			 "Đã có người sửa sau khi bạn đọc. Chưa có gì thay đổi. Hãy tải lại rồi thử lại.");
}

bool fail_keys(struct error *err)
{
	return error_set(err, ERR_UNAVAILABLE,
			 "The keys are being changed and this daemon has not taken up the new ones yet."
			 " Nothing was changed. Try again shortly.",
			 "Khóa đang được thay và tiến trình này chưa nhận khóa mới. Chưa có gì thay đổi."
			 " Hãy thử lại sau giây lát.");
}

bool result_is_lock_timeout(const struct db_result *result)
{
	return result->outcome == DB_REFUSED && streq(result->sqlstate, "55P03");
}

bool result_violates(const struct db_result *result, const char *constraint)
{
	return result->outcome == DB_REFUSED && streq(result->constraint, constraint);
}
