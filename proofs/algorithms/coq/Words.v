(* Words.v - words of 64 bits as non-negative integers: the lowest bit that is set, and words of words.

   A level is a function from the number of a word to the word; bit i of a level is bit i mod 64 of word i / 64. *)
From Coq Require Import ZArith List Bool Lia.
Import ListNotations.
Open Scope Z_scope.

(* std::countr_zero of a word that is not zero *)
Fixpoint ctz_pos (p : positive) : Z := match p with xO q => 1 + ctz_pos q | _ => 0 end.
Definition ctz (w : Z) : Z := match w with Zpos p => ctz_pos p | _ => 0 end.
Definition level := Z -> Z.
Definition bit (i : Z) : Z := Z.shiftl 1 (i mod 64).
Definition has (l : level) (i : Z) : bool := Z.testbit (l (i / 64)) (i mod 64).
Definition put (l : level) (w v : Z) : level := fun x => if x =? w then v else l x.
Definition set (l : level) (i : Z) : level := put l (i / 64) (Z.lor (l (i / 64)) (bit i)).
Definition clear (l : level) (i : Z) : level := put l (i / 64) (Z.ldiff (l (i / 64)) (bit i)).
(* A word has 64 bits. *)
Definition word (w : Z) : Prop := 0 <= w < 2 ^ 64.
Definition words (l : level) : Prop := forall w, word (l w).

Lemma ctz_spec w : 0 < w -> 0 <= ctz w /\ Z.testbit w (ctz w) = true /\ forall i, 0 <= i < ctz w -> Z.testbit w i = false.
Proof.
  destruct w as [|p|p]; try lia. intros _. cbn [ctz]. induction p as [p IH|p IH|]; cbn [ctz_pos].
  - split; [lia|]. split; [reflexivity|intros; lia].
  - destruct IH as (A & B & C). split; [lia|]. rewrite Pos2Z.inj_xO. split.
    + rewrite Z.add_1_l, Z.double_bits_succ. exact B.
    + intros i I. destruct (Z.eq_dec i 0) as [->|N]; [apply Z.testbit_even_0|].
      replace i with (Z.succ (i - 1)) by lia. rewrite Z.double_bits_succ. apply C. lia.
  - split; [lia|]. split; [reflexivity|intros; lia].
Qed.
Lemma word_high w i : word w -> 64 <= i -> Z.testbit w i = false.
Proof.
  intros [A B] I. destruct (Z.eq_dec w 0) as [->|N]; [apply Z.bits_0|].
  apply Z.bits_above_log2; trivial. apply Z.log2_lt_pow2; [lia|]. pose proof (Z.pow_le_mono_r 2 64 i ltac:(lia) I). lia.
Qed.
Lemma word_bits w : 0 <= w -> (forall i, 64 <= i -> Z.testbit w i = false) -> word w.
Proof.
  intros A H. split; trivial. destruct (Z.eq_dec w 0) as [->|N]; [lia|]. apply Z.log2_lt_pow2; [lia|].
  destruct (Z_lt_ge_dec (Z.log2 w) 64); trivial. specialize (H (Z.log2 w) ltac:(lia)). rewrite Z.bit_log2 in H by lia. discriminate.
Qed.
Lemma bit_spec i j : 0 <= j -> Z.testbit (bit i) j = (j =? i mod 64).
Proof.
  intros J. unfold bit. pose proof (Z.mod_pos_bound i 64 ltac:(lia)). rewrite Z.shiftl_1_l.
  destruct (Z.eqb_spec j (i mod 64)) as [->|N]; [apply Z.pow2_bits_true; lia|apply Z.pow2_bits_false; lia].
Qed.
Lemma bit_nonneg i : 0 <= bit i.
Proof. unfold bit. apply Z.shiftl_nonneg. lia. Qed.
Lemma words_set l i : words l -> words (set l i).
Proof.
  intros H w. unfold set, put. destruct (w =? i / 64); [|apply H]. destruct (H (i / 64)) as [A B].
  apply word_bits; [apply Z.lor_nonneg; split; [trivial|apply bit_nonneg]|]. intros j J.
  rewrite Z.lor_spec, bit_spec, (word_high _ _ (H _) J) by lia. simpl. apply Z.eqb_neq.
  pose proof (Z.mod_pos_bound i 64 ltac:(lia)). lia.
Qed.
Lemma words_clear l i : words l -> words (clear l i).
Proof.
  intros H w. unfold clear, put. destruct (w =? i / 64); [|apply H]. destruct (H (i / 64)) as [A B].
  apply word_bits; [apply Z.ldiff_nonneg; auto|]. intros j J. rewrite Z.ldiff_spec, (word_high _ _ (H _) J) by lia. reflexivity.
Qed.
Lemma same_bit i j : i / 64 = j / 64 -> i mod 64 = j mod 64 -> i = j.
Proof. intros. rewrite (Z.div_mod i 64), (Z.div_mod j 64) by lia. lia. Qed.
Lemma has_set l i j : has (set l i) j = has l j || (j =? i).
Proof.
  unfold has, set, put. pose proof (Z.mod_pos_bound j 64 ltac:(lia)). destruct (Z.eqb_spec (j / 64) (i / 64)) as [E|E].
  - rewrite Z.lor_spec, bit_spec, E by lia. f_equal. destruct (Z.eqb_spec (j mod 64) (i mod 64)) as [F|F].
    + symmetry. apply Z.eqb_eq. apply same_bit; trivial.
    + symmetry. apply Z.eqb_neq. intros ->. auto.
  - replace (j =? i) with false by (symmetry; apply Z.eqb_neq; intros ->; auto). now rewrite orb_false_r.
Qed.
Lemma has_clear l i j : has (clear l i) j = has l j && negb (j =? i).
Proof.
  unfold has, clear, put. pose proof (Z.mod_pos_bound j 64 ltac:(lia)). destruct (Z.eqb_spec (j / 64) (i / 64)) as [E|E].
  - rewrite Z.ldiff_spec, bit_spec, E by lia. do 2 f_equal. destruct (Z.eqb_spec (j mod 64) (i mod 64)) as [F|F].
    + symmetry. apply Z.eqb_eq. apply same_bit; trivial.
    + symmetry. apply Z.eqb_neq. intros ->. auto.
  - replace (j =? i) with false by (symmetry; apply Z.eqb_neq; intros ->; auto). now rewrite andb_true_r.
Qed.
Lemma word_zero w : word w -> (forall i, 0 <= i < 64 -> Z.testbit w i = false) -> w = 0.
Proof.
  intros W H. apply Z.bits_inj'. intros i I. rewrite Z.bits_0. destruct (Z_lt_ge_dec i 64); [auto|apply word_high; trivial; lia].
Qed.
Lemma word_empty l w : words l -> (l w = 0 <-> forall i, 64 * w <= i < 64 * w + 64 -> has l i = false).
Proof.
  intros W. split.
  - intros E i I. unfold has. replace (i / 64) with w by (apply Z.div_unique with (i - 64 * w); lia). rewrite E. apply Z.bits_0.
  - intros H. apply word_zero; [apply W|]. intros i I. specialize (H (64 * w + i) ltac:(lia)). unfold has in H.
    replace ((64 * w + i) / 64) with w in H by (apply Z.div_unique with i; lia).
    replace ((64 * w + i) mod 64) with i in H by (apply Z.mod_unique with w; lia). exact H.
Qed.
(* The first bit of a word that is set, from bit i on: the word is masked or shifted, and its zeros counted. *)
Definition from (l : level) (i : Z) : Z := Z.ldiff (l (i / 64)) (Z.ones (i mod 64)).
Lemma from_spec l i : 0 <= i -> words l ->
  if from l i =? 0 then forall j, i <= j < 64 * (i / 64) + 64 -> has l j = false
  else let j := 64 * (i / 64) + ctz (from l i) in
       i <= j < 64 * (i / 64) + 64 /\ has l j = true /\ forall k, i <= k < j -> has l k = false.
Proof.
  intros I W. pose proof (Z.mod_pos_bound i 64 ltac:(lia)) as M. pose proof (Z.div_mod i 64 ltac:(lia)) as D.
  set (w := i / 64) in *. set (m := i mod 64) in *.
  assert (T : forall b, 0 <= b -> Z.testbit (from l i) b = Z.testbit (l w) b && (m <=? b)).
  { intros b B. unfold from. fold w m. rewrite Z.ldiff_spec. f_equal. destruct (Z.leb_spec m b).
    - rewrite Z.ones_spec_high by lia. reflexivity.
    - rewrite Z.ones_spec_low by lia. reflexivity. }
  assert (Hs : forall k, 64 * w <= k < 64 * w + 64 -> has l k = Z.testbit (l w) (k - 64 * w)).
  { intros k K. unfold has. replace (k / 64) with w by (apply Z.div_unique with (k - 64 * w); lia).
    f_equal. symmetry. apply Z.mod_unique with w; lia. }
  destruct (Z.eqb_spec (from l i) 0) as [E|E].
  - intros j J. rewrite Hs by lia. specialize (T (j - 64 * w) ltac:(lia)). rewrite E, Z.bits_0 in T.
    replace (m <=? j - 64 * w) with true in T by (symmetry; apply Z.leb_le; lia). now rewrite andb_true_r in T.
  - assert (P : 0 < from l i).
    { assert (0 <= from l i); [|lia]. unfold from. apply Z.ldiff_nonneg. left. apply W. }
    destruct (ctz_spec _ P) as (C0 & C1 & C2). set (c := ctz (from l i)) in *.
    assert (c < 64). { destruct (Z_lt_ge_dec c 64); trivial. rewrite T, (word_high _ _ (W _)) in C1 by lia. discriminate. }
    rewrite T in C1 by lia. rewrite andb_true_iff, Z.leb_le in C1. destruct C1 as [C1 C3]. cbv zeta. split; [lia|]. split.
    + rewrite Hs by lia. replace (64 * w + c - 64 * w) with c by lia. exact C1.
    + intros k K. rewrite Hs by lia. specialize (C2 (k - 64 * w) ltac:(lia)). rewrite T in C2 by lia.
      replace (m <=? k - 64 * w) with true in C2 by (symmetry; apply Z.leb_le; lia). now rewrite andb_true_r in C2.
Qed.
