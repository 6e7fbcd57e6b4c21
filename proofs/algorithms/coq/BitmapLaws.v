(* BitmapLaws.v - the bitmap as a whole: what allocate and deallocate do to the set of live runs. *)
From Coq Require Import ZArith List Bool Lia.
From Ashlar Require Import Words Bitmap.
Import ListNotations.
Open Scope Z_scope.

Record bitmap := Bm { bits : list level; begins : level; blocks : Z }.
Definition allocate (s : bitmap) (aligned : Z -> bool) (n : Z) : option (Z * bitmap) :=
  match find (S (Z.to_nat (blocks s))) (bits s) (blocks s) aligned n 0 with
  | Some a => Some (a, Bm (each set_used (bits s) a (Z.to_nat n)) (set (begins s) a) (blocks s))
  | None => None
  end.
(* end_of: where the run that begins in front of j ends *)
Fixpoint end_of (s : bitmap) (j : Z) (n : nat) : Z :=
  match n with O => j | S m => if free (bits s) j || has (begins s) j then j else end_of s (j + 1) m end.
Definition is_live (s : bitmap) (i n : Z) : bool :=
  (0 <=? i) && (i <? blocks s) && has (begins s) i && (n <=? blocks s - i) &&
  (end_of s (i + 1) (Z.to_nat (blocks s - (i + 1))) =? i + n).
Definition deallocate (s : bitmap) (i n : Z) : option bitmap :=
  if is_live s i n then Some (Bm (each set_free (bits s) i (Z.to_nat n)) (clear (begins s) i) (blocks s)) else None.

Definition run_dec (x y : Z * Z) : {x = y} + {x <> y}.
Proof. decide equality; apply Z.eq_dec. Defined.
(* Runs of blocks, disjoint and within the bitmap. *)
Definition runs (last : Z) (r : list (Z * Z)) : Prop :=
  (forall a n, In (a, n) r -> 0 <= a /\ 1 <= n /\ a + n <= last) /\
  (forall a n b m, In (a, n) r -> In (b, m) r -> (a = b /\ n = m) \/ a + n <= b \/ b + m <= a).
Definition inside (r : list (Z * Z)) (k : Z) : Prop := exists a n, In (a, n) r /\ a <= k < a + n.
(* The bits say what the list of live runs says (bitmap.I1, bitmap.I2). *)
Definition says (s : bitmap) (r : list (Z * Z)) : Prop :=
  ok (bits s) /\ words (begins s) /\ 0 <= blocks s <= cap (bits s) /\ runs (blocks s) r /\
  (forall k, 0 <= k -> free (bits s) k = true <-> k < blocks s /\ ~ inside r k) /\
  (forall k, has (begins s) k = true <-> exists n, In (k, n) r).
Definition fit (s : bitmap) (aligned : Z -> bool) (n a : Z) : Prop :=
  0 <= a /\ a + n <= blocks s /\ aligned a = true /\ forall k, a <= k < a + n -> free (bits s) k = true.

Lemma all_free_spec ls n : forall a, let u := all_free ls a n in
  a <= u <= a + Z.of_nat n /\ (forall k, a <= k < u -> free ls k = true) /\ (u < a + Z.of_nat n -> free ls u = false).
Proof.
  induction n as [|n IH]; intros a; cbn [all_free].
  - repeat split; intros; lia.
  - specialize (IH (a + 1)). cbv zeta in *. destruct (free ls a) eqn:F.
    + destruct IH as (A & B & C). split; [lia|]. split; [|intros; apply C; lia].
      intros k K. destruct (Z.eq_dec k a) as [->|]; [trivial|apply B; lia].
    + split; [lia|]. split; [intros; lia|trivial].
Qed.
Lemma skip_spec al n : forall i, let a := skip al i n in
  i <= a <= i + Z.of_nat n /\ (forall k, i <= k < a -> al k = false) /\ (a < i + Z.of_nat n -> al a = true).
Proof.
  induction n as [|n IH]; intros i; cbn [skip].
  - repeat split; intros; lia.
  - specialize (IH (i + 1)). cbv zeta in *. destruct (al i) eqn:F.
    + split; [lia|]. split; [intros; lia|trivial].
    + destruct IH as (A & B & C). split; [lia|]. split; [|intros; apply C; lia].
      intros k K. destruct (Z.eq_dec k i) as [->|]; [trivial|apply B; lia].
Qed.
Lemma find_spec s al n fuel : ok (bits s) -> 1 <= n -> forall i, 0 <= i -> blocks s - i < Z.of_nat fuel ->
  match find fuel (bits s) (blocks s) al n i with
  | Some a => fit s al n a /\ forall b, i <= b < a -> ~ fit s al n b
  | None => forall b, i <= b -> ~ fit s al n b
  end.
Proof.
  intros K N. induction fuel as [|more IH]; intros i I F; cbn [find].
  - intros b B (_ & H & _). lia.
  - pose proof (next_spec (bits s) i K I) as X. destruct (next (bits s) i) as [j|].
    + destruct X as (X1 & X2 & X3).
      pose proof (skip_spec al (Z.to_nat (blocks s - j)) j) as S. cbv zeta in S.
      set (a := skip al j (Z.to_nat (blocks s - j))) in *. destruct S as (S1 & S2 & S3).
      assert (Low : forall b, i <= b < a -> ~ fit s al n b).
      { intros b B (_ & _ & A & R). destruct (Z_lt_ge_dec b j).
        - specialize (R b ltac:(lia)). rewrite (X3 b) in R by lia. discriminate.
        - rewrite (S2 b) in A by lia. discriminate. }
      destruct (Z.ltb_spec (blocks s) (a + n)) as [L|L].
      * intros b B H. destruct (Z_lt_ge_dec b a); [exact (Low b ltac:(lia) H)|]. destruct H as (_ & H & _). lia.
      * pose proof (all_free_spec (bits s) (Z.to_nat n) a) as U. cbv zeta in U. rewrite Z2Nat.id in U by lia.
        set (u := all_free (bits s) a (Z.to_nat n)) in *. destruct U as (U1 & U2 & U3).
        destruct (Z.eqb_spec u (a + n)) as [E|E].
        -- split; [|exact Low]. split; [lia|]. split; [lia|]. split; [apply S3; lia|]. intros k Hk. apply U2. lia.
        -- assert (G : forall b, i <= b < u + 1 -> ~ fit s al n b).
           { intros b B H. destruct (Z_lt_ge_dec b a); [exact (Low b ltac:(lia) H)|]. destruct H as (_ & _ & _ & R).
             specialize (R u ltac:(lia)). rewrite U3 in R by lia. discriminate. }
           specialize (IH (u + 1) ltac:(lia) ltac:(lia)). destruct (find more (bits s) (blocks s) al n (u + 1)) as [c|].
           ++ destruct IH as [A B]. split; trivial. intros b Hb. destruct (Z_lt_ge_dec b (u + 1)); [apply G|apply B]; lia.
           ++ intros b Hb. destruct (Z_lt_ge_dec b (u + 1)); [apply G|apply IH]; lia.
    + intros b B (_ & _ & _ & R). specialize (R b ltac:(lia)). rewrite X in R by lia. discriminate.
Qed.

Section Laws.
Variables (s : bitmap) (r : list (Z * Z)).
Hypothesis H : says s r.

(* C4: granted if and only if an aligned run of that many free blocks is there; and it is the lowest. *)
Theorem allocate_complete al n : 1 <= n -> match allocate s al n with
  | Some (a, _) => fit s al n a /\ forall b, 0 <= b < a -> ~ fit s al n b
  | None => forall b, ~ fit s al n b
  end.
Proof.
  intros N. destruct H as (K & _ & B & _). unfold allocate.
  pose proof (find_spec s al n (S (Z.to_nat (blocks s))) K N 0 ltac:(lia) ltac:(lia)) as F.
  destruct (find _ _ _ _ _ _) as [a|]; [exact F|]. intros b Fb. apply (F b); trivial. apply Fb.
Qed.
(* C1, C2, C3: the live runs are those of before and the grant, which is disjoint from them all. *)
Theorem allocate_sound al n a s' : 1 <= n -> allocate s al n = Some (a, s') -> al a = true /\ says s' ((a, n) :: r).
Proof.
  intros N A. pose proof (allocate_complete al n N) as C. rewrite A in C. destruct C as [(F0 & F1 & F2 & F3) _].
  unfold allocate in A. destruct (find _ _ _ _ _ _) as [a'|]; [|discriminate]. injection A as -> <-.
  destruct H as (K & W & B & R & Fr & Bg). destruct (use_run (bits s) a (Z.to_nat n) K F0) as [U1 U2].
  rewrite Z2Nat.id in U2 by lia. split; trivial.
  assert (D : forall b m, In (b, m) r -> b + m <= a \/ a + n <= b).
  { intros b m I. destruct R as [R _]. destruct (R b m I) as (P & Q & L). destruct (Z_le_dec (b + m) a); [auto|].
    destruct (Z_le_dec (a + n) b); [auto|]. exfalso. pose proof (F3 (Z.max a b) ltac:(lia)) as F.
    apply Fr in F; [|lia]. destruct F as [_ F]. apply F. exists b, m. split; trivial. lia. }
  split; [exact U1|]. split; [apply words_set; trivial|]. cbn [bits begins blocks]. split.
  { rewrite cap_each; trivial. intros ls i. destruct ls as [|l up]; trivial. unfold set_used. cbn [lower cap]. f_equal.
    assert (G : forall u w, cap (lower u w) = cap u).
    { induction u as [|x u IH]; intros w; trivial. cbn [lower cap]. f_equal. destruct (clear x w (w / 64) =? 0); auto. }
    destruct (clear l i (i / 64) =? 0); auto. }
  split; [split|split].
  - intros b m [E|I]; [injection E as <- <-; lia|apply R; trivial].
  - intros b m c q [E|I] [E'|I'].
    + injection E as <- <-. injection E' as <- <-. auto.
    + injection E as <- <-. destruct (D c q I'); lia.
    + injection E' as <- <-. destruct (D b m I); lia.
    + apply R; trivial.
  - intros k P. rewrite U2, andb_true_iff, Fr, negb_true_iff by trivial. unfold inside. split.
    + intros [[L I] G]. split; trivial. intros (b & m & [E|J] & Q); [injection E as <- <-|apply I; exists b, m; auto].
      apply andb_false_iff in G. rewrite Z.leb_gt, Z.ltb_ge in G. lia.
    + intros [L I]. split; [split; trivial; intros (b & m & J & Q); apply I; exists b, m; simpl; auto|].
      apply andb_false_iff. rewrite Z.leb_gt, Z.ltb_ge. destruct (Z_lt_ge_dec k a); [auto|].
      destruct (Z_lt_ge_dec k (a + n)); [|lia]. exfalso. apply I. exists a, n. simpl. split; [auto|lia].
  - intros k. rewrite has_set, orb_true_iff, Bg, Z.eqb_eq. simpl. split.
    + intros [[m I]| ->]; [exists m; auto|exists n; auto].
    + intros [m [E|I]]; [injection E as <- <-; auto|left; exists m; trivial].
Qed.
Lemma end_of_spec j n : let e := end_of s j n in j <= e <= j + Z.of_nat n /\
  (forall k, j <= k < e -> free (bits s) k = false /\ has (begins s) k = false) /\
  (e < j + Z.of_nat n -> free (bits s) e = true \/ has (begins s) e = true).
Proof.
  revert j. induction n as [|n IH]; intros j; cbn [end_of].
  - repeat split; intros; lia.
  - specialize (IH (j + 1)). cbv zeta in *. destruct (free (bits s) j || has (begins s) j) eqn:F.
    + apply orb_true_iff in F. split; [lia|]. split; [intros; lia|trivial].
    + destruct IH as (A & B & C). apply orb_false_iff in F. split; [lia|]. split; [|intros; apply C; lia].
      intros k K. destruct (Z.eq_dec k j) as [->|]; [trivial|apply B; lia].
Qed.
(* C5: only what is a live run of just that length can be given back. *)
Theorem is_live_exact i n : is_live s i n = true <-> In (i, n) r.
Proof.
  destruct H as (K & W & B & [R1 R2] & Fr & Bg). unfold is_live.
  rewrite !andb_true_iff, !Z.leb_le, Z.ltb_lt, Z.eqb_eq, Bg.
  assert (E : forall m, In (i, m) r -> end_of s (i + 1) (Z.to_nat (blocks s - (i + 1))) = i + m).
  { intros m I. destruct (R1 i m I) as (P & Q & L). pose proof (end_of_spec (i + 1) (Z.to_nat (blocks s - (i + 1)))) as S.
    cbv zeta in S. set (e := end_of s _ _) in *. rewrite Z2Nat.id in S by lia. destruct S as (S1 & S2 & S3).
    destruct (Z.lt_trichotomy e (i + m)) as [G|[G|G]]; trivial; exfalso.
    - destruct S3 as [F|F]; [lia| |].
      + apply Fr in F; [|lia]. apply F. exists i, m. split; trivial. lia.
      + apply Bg in F. destruct F as [q F]. destruct (R1 e q F). destruct (R2 e q i m F I) as [[? ?]|[?|?]]; lia.
    - destruct (S2 (i + m) ltac:(lia)) as [F1 F2]. assert (~ free (bits s) (i + m) = true) as F3 by congruence.
      rewrite Fr in F3 by lia. assert (~ has (begins s) (i + m) = true) as F4 by congruence. rewrite Bg in F4.
      apply F3. split; [lia|]. intros (b & q & J & X). destruct (R2 b q i m J I) as [[? ?]|[?|?]]; try lia.
      apply F4. exists q. replace (i + m) with b by lia. trivial. }
  split.
  - intros [[[[A1 A2] [m I]] A3] A4]. rewrite (E m I) in A4. replace n with m by lia. trivial.
  - intros I. destruct (R1 i n I) as (P & Q & L). rewrite (E n I). repeat split; try lia. exists n. trivial.
Qed.
Theorem deallocate_sound i n : In (i, n) r -> exists s', deallocate s i n = Some s' /\
  says s' (remove run_dec (i, n) r).
Proof.
  intros I. pose proof (proj2 (is_live_exact i n) I) as L. unfold deallocate. rewrite L. eexists. split; [reflexivity|].
  destruct H as (K & W & B & R & Fr & Bg). pose proof R as [R1 R2].
  destruct (R1 i n I) as (P & Q & M). destruct (free_run (bits s) i (Z.to_nat n) K P ltac:(lia)) as [U1 U2].
  rewrite Z2Nat.id in U2 by lia.
  assert (Rm : forall x, In x (remove run_dec (i, n) r) <-> In x r /\ x <> (i, n)).
  { intros x. split; [apply in_remove|]. intros [A C]. apply in_in_remove; trivial. }
  split; [exact U1|]. split; [apply words_clear; trivial|]. cbn [bits begins blocks].
  split; [rewrite cap_each; [trivial|apply cap_free]|]. split; [split|split].
  - intros a m J. apply Rm in J. apply R1, J.
  - intros a m b q J J'. apply Rm in J. apply Rm in J'. apply R2; tauto.
  - intros k Pk. rewrite U2, orb_true_iff, Fr, andb_true_iff, Z.leb_le, Z.ltb_lt by trivial. unfold inside. split.
    + intros [[Lk N]|Hk].
      * split; trivial. intros (a & m & J & X). apply Rm in J. apply N. exists a, m. tauto.
      * split; [lia|]. intros (a & m & J & X). apply Rm in J. destruct J as [J D].
        destruct (R2 a m i n J I) as [[-> ->]|[?|?]]; [apply D; trivial|lia|lia].
    + intros [Lk N]. destruct (Z_lt_ge_dec k i); [left|destruct (Z_lt_ge_dec k (i + n)); [right; lia|left]];
      (split; trivial; intros (a & m & J & X); apply N; exists a, m; split; trivial; apply Rm; split; trivial;
       intros E; injection E as -> ->; lia).
  - intros k. rewrite has_clear, andb_true_iff, Bg, negb_true_iff, Z.eqb_neq. split.
    + intros [[m J] D]. exists m. apply Rm. split; trivial. intros E. injection E as -> ->. tauto.
    + intros [m J]. apply Rm in J. destruct J as [J D]. split; [exists m; trivial|]. intros ->.
      destruct (R2 i m i n J I) as [[_ ->]|[?|?]]; [apply D; trivial|destruct (R1 i m J); lia|lia].
Qed.
End Laws.
(* C7: what was granted and is given back leaves every block as free, or live, as it was. *)
Theorem deallocate_allocate s r al n a s' : says s r -> 1 <= n -> allocate s al n = Some (a, s') ->
  exists s'', deallocate s' a n = Some s'' /\ (forall k, 0 <= k -> free (bits s'') k = free (bits s) k) /\
              (forall k, has (begins s'') k = has (begins s) k).
Proof.
  intros H N A. destruct (allocate_sound s r H al n a s' N A) as [_ H'].
  assert (L : is_live s' a n = true) by (apply (is_live_exact s' _ H'); simpl; auto).
  unfold deallocate. rewrite L. eexists. split; [reflexivity|]. cbn [bits begins].
  pose proof (allocate_complete s r H al n N) as C. rewrite A in C. destruct C as [(F0 & F1 & _ & F3) _].
  unfold allocate in A. destruct (find _ _ _ _ _ _) as [b|]; [|discriminate]. injection A as -> <-. cbn [bits begins blocks].
  destruct H as (K & W & B & R & Fr & Bg). destruct (use_run (bits s) a (Z.to_nat n) K F0) as [U1 U2].
  destruct H' as (K' & _ & B' & _). cbn [bits blocks] in *.
  destruct (free_run _ a (Z.to_nat n) K' F0 ltac:(lia)) as [V1 V2]. rewrite Z2Nat.id in * by lia. split.
  - intros k Pk. rewrite V2, U2. destruct ((a <=? k) && (k <? a + n)) eqn:E.
    + rewrite andb_true_iff, Z.leb_le, Z.ltb_lt in E. rewrite (F3 k) by lia. reflexivity.
    + now rewrite andb_true_r, orb_false_r.
  - intros k. rewrite has_clear, has_set. destruct (Z.eqb_spec k a) as [->|].
    + rewrite andb_false_r. symmetry. apply not_true_iff_false. rewrite Bg. intros [m I].
      specialize (F3 a ltac:(lia)). apply Fr in F3; [|lia]. apply F3. destruct R as [R _]. destruct (R a m I).
      exists a, m. split; trivial. lia.
    + now rewrite andb_true_r, orb_false_r.
Qed.
